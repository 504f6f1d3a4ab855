"""What an operator hears: events and alarms, in the mailbox and in the chat."""

import json
from collections.abc import Iterator
from queue import Empty
from typing import Any

import pytest

from e2e.emf import forward_metrics
from e2e.rig import TOKEN, Rig, sample_event, tick_event

pytestmark = pytest.mark.cloud

CHAT_SECONDS = 20


@pytest.fixture
def mailbox(rig: Rig) -> Iterator[str]:
    """A queue that hears what both topics say; the e-mail subscriptions are stubs here."""
    sqs, sns = rig.cloud.client("sqs"), rig.cloud.client("sns")
    queue: str = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    topics = [rig.stack.outputs[name] for name in ("TellTopicArn", "WakeTopicArn")]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn["QueueArn"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    for topic in topics:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    yield queue
    sqs.delete_queue(QueueUrl=queue)


def heard(rig: Rig, mailbox: str) -> list[dict[str, Any]]:
    answer = rig.cloud.client("sqs").receive_message(QueueUrl=mailbox, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", ())]


def said(rig: Rig, word: str) -> str:
    """The next thing said in the chat that has `word` in it."""
    try:
        while word not in (text := rig.chat.said.get(timeout=CHAT_SECONDS)):
            pass
    except Empty:
        raise AssertionError(f"nobody said {word!r} within {CHAT_SECONDS} s") from None
    return text


def test_what_happened_is_told_once_in_the_mailbox_and_in_the_chat(rig: Rig, mailbox: str) -> None:
    rig.invoke("notify", sample_event("notify"))  # what earlier tests left to be told
    heard(rig, mailbox)
    assert rig.call("POST", "/orchestrator/stop", TOKEN)[0] == 200
    assert rig.call("POST", "/orchestrator/start", TOKEN)[0] == 200
    told = [rig.invoke("notify", sample_event("notify"))[1] for _ in range(2)]
    assert [len(one["told"]) for one in told] == [2, 0], told
    [message] = heard(rig, mailbox)
    assert message["Subject"] == "[paper] control trading and 1 more"
    stopped, started = message["Message"].splitlines()
    assert "trading is exits_only, set by api: POST /orchestrator/stop" in stopped
    assert "trading is on, set by api: POST /orchestrator/start" in started
    assert said(rig, stopped).splitlines()[1:] == [stopped, started]


def test_a_function_made_to_fail_moves_an_alarm_and_a_message_arrives(
    rig: Rig, mailbox: str
) -> None:
    monitoring = rig.cloud.client("cloudwatch")

    def state() -> str:
        [alarm] = monitoring.describe_alarms(AlarmNames=["crypto-ai-bot-RunErrors"])["MetricAlarms"]
        found: str = alarm["StateValue"]
        return found

    monitoring.enable_alarm_actions(AlarmNames=["crypto-ai-bot-RunErrors"])
    assert state() != "ALARM"
    went_well, _ = rig.invoke("exits", {"job": "none of ours"})
    assert not went_well
    assert "RunErrors" in forward_metrics(rig, ("exits",))
    assert state() == "ALARM"
    [alarm] = [json.loads(one["Message"]) for one in heard(rig, mailbox)]
    assert (alarm["AlarmName"], alarm["NewStateValue"]) == ("crypto-ai-bot-RunErrors", "ALARM")
    assert "docs/runbook.md: RunErrors" in said(rig, "ALARM: crypto-ai-bot-RunErrors")


def test_the_watchdogs_counts_become_metrics_and_quiet_alarms(rig: Rig) -> None:
    for job in ("evaluate", "exits", "reconcile", "watchdog"):
        rig.invoke(job, tick_event(job, rig.next_minute()))
    names = forward_metrics(rig, ("watchdog",))
    assert names >= {"JobsAlive", "OrdersUnknown", "SymbolsHalted", "DailyLossReached"}
    monitoring = rig.cloud.client("cloudwatch")
    waking = [f"crypto-ai-bot-{name}" for name in ("SymbolHalted", "OrderUnresolved")]
    found = monitoring.describe_alarms(AlarmNames=waking)["MetricAlarms"]
    assert {alarm["AlarmName"]: alarm["StateValue"] for alarm in found} == dict.fromkeys(
        waking, "OK"
    )
