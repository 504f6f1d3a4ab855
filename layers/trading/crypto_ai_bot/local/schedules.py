"""Watches what the cloud's own schedules set off, by reading the functions' logs."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.functions import JOBS, Answer
from crypto_ai_bot.local.moments import moment_ms
from crypto_ai_bot.local.stack import Stack

_LOUD = {"ERROR", "CRITICAL"}


@dataclass(slots=True)
class LogWatch:
    """Reads each job's log group from `since_ms` (the cloud's time) on; tells each run once."""

    stack: Stack
    since_ms: int
    tell: Callable[[Answer], None]
    _seen: set[tuple[str, int, str]] = field(default_factory=set)

    def look(self) -> None:
        """Tell what has been logged since the last look."""
        logs = self.stack.cloud.client("logs")
        for job in JOBS:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=self.stack.log_group(job), startTime=self.since_ms
            )
            for event in (event for page in pages for event in page["events"]):
                # The embedded cloud gives events no id; the lines of a run carry its request id.
                seen = (event["logStreamName"], event["timestamp"], event["message"])
                if seen not in self._seen:
                    self._seen.add(seen)
                    for answer in answers_in(job, event["timestamp"], event["message"]):
                        self.tell(answer)


def answers_in(job: str, logged_ms: int, message: str) -> Iterator[Answer]:
    """What a log message tells of a run: its outcome, or the error it ended with."""
    for line in message.splitlines():
        entry = _json_object(line)
        outcome = _outcome(entry)
        if outcome is not None:
            yield Answer(job, _scheduled_ms(outcome, logged_ms), outcome)
        elif entry.get("level") in _LOUD:
            yield Answer(job, logged_ms, None, str(entry.get("message")))


def _json_object(line: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(line) if line.startswith("{") else None
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) else {}


def _outcome(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The outcome stands in the entry under a name of its own, or is the entry."""
    for candidate in (entry.get("outcome"), entry.get("message"), entry):
        if isinstance(candidate, dict) and {"job", "ok", "symbols"} <= candidate.keys():
            return candidate
    return None


def _scheduled_ms(outcome: Mapping[str, Any], logged_ms: int) -> int:
    if "scheduled_ms" in outcome:
        return int(outcome["scheduled_ms"])
    try:
        return moment_ms(str(outcome.get("scheduled_time")), "scheduled_time")
    except RehearsalError:
        return logged_ms
