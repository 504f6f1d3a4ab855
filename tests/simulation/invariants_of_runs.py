"""The promises of DESIGN 3 that are asked when a run has ended."""

import re
from typing import TYPE_CHECKING

from crypto_ai_bot.domain.job import Heartbeat, Job
from crypto_ai_bot.domain.market import Symbol
from simulation.client import KEY

if TYPE_CHECKING:
    from simulation.deployment import Deployment
    from simulation.scheduler import Invocation

# What our errors say when the books would have become untrue: found before anything was written.
_BROKEN = re.compile(
    r"cannot (accept|fill|finish|reject|lose|prove_absent|appear)|totals fell"
    r"|without its lease|not journaled|no order under way|of what it bought|base held|BTC held"
    r"|ETH held|SOL held"
)


def at_end_of_run(deployment: "Deployment", run: "Invocation") -> None:
    """I9: an exits run tells of each position that was open all the while. I12. No broken books."""
    told = {one.symbol: one for one in run.result.symbols}
    now = deployment.guarded() if run.open_at_start else {}
    for symbol, opened_ms in run.open_at_start.items():
        if now.get(symbol) == opened_ms:
            assert symbol in told, f"I9 {run.name} does not tell of {symbol}"
    if run.result.tick.job is Job.WATCHDOG:
        _somebody_judges(deployment, run, set(told))
        _no_dead_lease(deployment, run)
    for one in told.values():
        for reason in one.reasons:
            assert KEY not in reason, "I12 a secret in a reason"
            broken = _BROKEN.search(reason) and not deployment.world.exchange.doubled
            assert not broken, f"{run.name}: {one.symbol}: {reason}"


def _somebody_judges(deployment: "Deployment", run: "Invocation", told: set[Symbol]) -> None:
    """I9: when exits has been silent for too long, the watchdog has judged in its place."""
    dead_after_ms, world = deployment.policy.dead_after_ms, deployment.world
    beat = deployment.dated.get((Heartbeat, Job.EXITS))
    guarded = deployment.guarded()
    if not dead_after_ms or not guarded or run.frozen_ms:
        return
    silent_ms = world.now_ms - max(min(guarded.values()), beat.completed_ms if beat else 0)
    most_ms = dead_after_ms + 60_000 + 2 * world.skew_ms_max
    assert silent_ms <= most_ms or told, f"I9 exits is silent for {silent_ms} ms, nobody judges"


def _no_dead_lease(deployment: "Deployment", run: "Invocation") -> None:
    """A lease that had run out when the watchdog began is given back when it has ended.

    Unless others wrote the ledger meanwhile: then the next watchdog does it.
    """
    for symbol, version in run.dead_leases.items():
        ledger = deployment.ledger(symbol)
        assert ledger.version != version, f"{ledger.lease} of {symbol} is not given back"
