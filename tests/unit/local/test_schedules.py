"""Runs read from a function's log, as the cloud's own schedules set them off."""

import json
from typing import Any

import pytest

from crypto_ai_bot.local.functions import Answer
from crypto_ai_bot.local.schedules import LogWatch, answers_in

AT = 1_795_348_800_000
OUTCOME = {"job": "exits", "ok": True, "symbols": [], "scheduled_ms": AT}


@pytest.mark.parametrize("entry", [{"message": "outcome", "outcome": OUTCOME}, OUTCOME])
def test_an_outcome_is_found_in_its_line(entry: dict[str, Any]) -> None:
    message = f"START RequestId: 1\n{json.dumps(entry)}\nEND RequestId: 1"
    [answer] = answers_in("exits", AT + 5_000, message)
    assert (answer.scheduled_ms, answer.outcome) == (AT, OUTCOME)


def test_an_error_is_told_and_chatter_is_not() -> None:
    lines = [
        json.dumps({"level": "INFO", "message": "warming up"}),
        json.dumps({"level": "ERROR", "message": "no such table"}),
        "{not json",
        "REPORT RequestId: 1 Duration: 3 ms",
    ]
    [answer] = answers_in("exits", AT, "\n".join(lines))
    assert (answer.error, answer.outcome, answer.scheduled_ms) == ("no such table", None, AT)


class FakeLogs:
    """A logs client with one page a group, which grows."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def get_paginator(self, _name: str) -> "FakeLogs":
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        return [{"events": self.events if asked["logGroupName"] == "/exits" else []}]


class FakeStack:
    """A stack whose log groups are called after their jobs."""

    def __init__(self, logs: FakeLogs) -> None:
        self.cloud = self
        self._logs = logs

    def client(self, _service: str) -> FakeLogs:
        return self._logs

    def log_group(self, job: str) -> str:
        return f"/{job}"


def test_each_run_is_told_once_however_often_the_log_is_read() -> None:
    logs = FakeLogs()
    told = list[Answer]()
    watch = LogWatch(FakeStack(logs), 0, told.append)  # type: ignore[arg-type]  # all it asks for
    for number in range(3):
        outcome = {**OUTCOME, "correlation_id": str(number)}
        logs.events.append({"logStreamName": "s", "timestamp": AT, "message": json.dumps(outcome)})
        watch.look()
        watch.look()
    outcomes = [answer.outcome or {} for answer in told]
    assert [outcome["correlation_id"] for outcome in outcomes] == ["0", "1", "2"]
