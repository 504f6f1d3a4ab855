"""What must come true of an interleaved history once its faults have ceased."""

from typing import TYPE_CHECKING

import invariants
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import MINUTE_MS
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from rough_exchange import Fill

if TYPE_CHECKING:
    from interleaved_world import World

QUIET_MINUTES = 16  # an order is given up after ten, and a person told


def settle_down(world: "World") -> None:
    """Faults have ceased: everything is resolved, and every position can still be sold."""
    world.exchange.fill, world.exchange.lag_ms = Fill.WHOLE, 0
    for name in tuple(world.exchange.unfinished):
        world.exchange.finish(name)
    for _ in range(10):  # whoever is frozen wakes up
        if world.runs or world.late:
            world.until(world.clock.at_ms + MINUTE_MS)
    assert not world.runs, "a run did not end"
    _quiet_minutes(world, QUIET_MINUTES)
    _assert_resolved(world)
    world.set_parameter(TradingState.ON)
    world.operate(TradingState.ON)
    for symbol in world.symbols:
        world.move_price(symbol, 0.5)
    _quiet_minutes(world, 3, until_resolved=False)
    _assert_resolved(world)
    _assert_sold(world)


def _quiet_minutes(world: "World", minutes: int, *, until_resolved: bool = True) -> None:
    for _ in range(minutes):
        next_ms = world.clock.at_ms - world.clock.at_ms % MINUTE_MS + MINUTE_MS
        world.until(next_ms)
        for job in Job:
            world.start(job, next_ms, Action.HOLD)
        world.until(next_ms + 58_000)
        if until_resolved and _all_resolved(world):
            return


def _all_resolved(world: "World") -> bool:
    ledgers = world.books().ledgers.values()
    return not any(ledger.pending or ledger.lease for ledger in ledgers)


def _assert_resolved(world: "World") -> None:
    """Liveness: every order is resolved, and nobody was alarmed: no hand but ours was at work."""
    for ledger in world.books().ledgers.values():
        assert ledger.pending is None, f"{ledger.pending} is stuck"
        assert ledger.lease is None, f"{ledger.lease} was not given back"
        assert ledger.halt is None, f"{ledger.symbol} is halted: {ledger.halt}"
    told = [event.text for event in world.store.events(1_000) if event.kind is EventKind.DRIFT]
    assert not told, f"false alarms: {told}"
    invariants.ledger_equals_exchange(world)


def _assert_sold(world: "World") -> None:
    """Liveness: at half the price every stop has sold."""
    for ledger in world.books().ledgers.values():
        worth = ledger.position.base * world.exchange.quotes[ledger.symbol].bid
        assert worth < 3, f"{ledger.symbol}: {worth} quote were not sold"
