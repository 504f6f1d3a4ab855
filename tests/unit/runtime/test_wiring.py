"""What a workplace is made of, by its settings; nothing is asked of anyone here."""

import pytest

from crypto_ai_bot.brokers.gate_broker import SIGNED_LIFE_MS, GateTerms
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.runtime.wiring import open_workplace

LIVE = {
    "MODE": "live",
    "FIXED_AMOUNT": "25",
    "TRADING_PARAMETER": "/crypto-ai-bot/trading",
    "API_KEY": "a-key-of-a-test",
    "API_SECRET": "a-secret-of-a-test",
}


@pytest.mark.parametrize(
    ("more", "life_ms"),
    [
        ({}, SIGNED_LIFE_MS),
        ({"EXPIRY_PROVEN": "1"}, GateTerms().request_life_ms),
    ],
)
def test_an_order_can_arrive_as_long_as_its_signature_is_good_unless_its_expiry_is_proved(
    more: dict[str, str], life_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    settings = Settings.from_environment({**LIVE, **more})
    desk = open_workplace(settings, lambda _secrets: None).desk(lambda: 60_000)
    assert desk.broker.expires_ms(1_000) == 1_000 + life_ms
