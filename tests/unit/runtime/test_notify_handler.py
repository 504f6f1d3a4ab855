"""Notify's settings, and what it makes of what topics deliver."""

import json
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.domain.errors import BadEvent, BadSetting
from crypto_ai_bot.runtime.notify_settings import NotifySettings
from crypto_ai_bot.runtime.topic import delivered

ROOT = Path(__file__).parents[3]
TOPIC = "arn:aws:sns:us-east-1:123456789012:tell"


def test_an_alarm_is_said_as_a_person_would() -> None:
    event = json.loads((ROOT / "events/notify-alarm.json").read_text())
    [(subject, text)] = delivered(event["Records"])
    assert subject == "ALARM: crypto-ai-bot-SymbolHalted"
    assert text.splitlines()[0] == "A symbol is halted. docs/runbook.md: SymbolHalted"
    assert text.splitlines()[1].startswith("Threshold Crossed")


@pytest.mark.parametrize("message", ["bought 1 BTC", '{"not": "an alarm"}', "[1]"])
def test_anything_else_is_passed_on_as_it_is(message: str) -> None:
    records = [{"Sns": {"Subject": "[live] order", "Message": message}}]
    assert list(delivered(records)) == [("[live] order", message)]
    assert list(delivered([{"Sns": {"Subject": None, "Message": message}}])) == [("", message)]


@pytest.mark.parametrize("records", [None, "text", [1], [{}], [{"Sns": {"Message": 1}}]])
def test_what_no_topic_delivers_is_refused(records: Any) -> None:
    with pytest.raises(BadEvent, match="deliveries of an SNS topic"):
        list(delivered(records))


def test_settings_are_read_and_the_address_is_not_shown() -> None:
    found = NotifySettings.from_environment({"TELL_TOPIC": TOPIC, "WEBHOOK_URL": " https://x/y "})
    assert found.tell_topic == TOPIC
    assert found.webhook_url
    assert found.webhook_url.reveal() == "https://x/y"
    assert "x/y" not in repr(found)
    assert NotifySettings.from_environment({}) == NotifySettings()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TELL_TOPIC": "tell"}, "TELL_TOPIC=tell: must be the ARN"),
        ({"WEBHOOK_PARAMETER": "/a", "WEBHOOK_URL": "https://x"}, "give one of them only"),
    ],
)
def test_wrong_settings_are_one_line(variables: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        NotifySettings.from_environment(variables)
