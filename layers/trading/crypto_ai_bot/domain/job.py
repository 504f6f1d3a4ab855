"""The scheduled jobs, the tick that starts a run of one, and the mark a finished run leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crypto_ai_bot.domain.market import Symbol


class Job(StrEnum):
    """What a schedule can start."""

    EVALUATE = "evaluate"
    EXITS = "exits"
    RECONCILE = "reconcile"
    WATCHDOG = "watchdog"


@dataclass(frozen=True, slots=True)
class Tick:
    """One scheduled run: `scheduled_ms` is the event's own time, never the clock's.

    `correlation_id` comes from the event and marks every line and order of the run. `run_id` is
    the invocation's own, so two deliveries of one event are two owners of a lease.
    `symbols` narrows it to a shard; empty means all of the deployment.
    """

    job: Job
    scheduled_ms: int
    correlation_id: str
    run_id: str
    symbols: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last completed run of a job. A run that was scheduled earlier does not overwrite it."""

    job: Job
    scheduled_ms: int
    completed_ms: int
    ok: bool
    summary: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Health:
    """The watchdog's finding, served by /health: "ok", "degraded" or "failing", with reasons."""

    status: str
    checks: Mapping[str, str]
    checked_ms: int
