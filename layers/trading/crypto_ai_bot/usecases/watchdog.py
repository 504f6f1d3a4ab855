"""The watchdog job: whether the others live, and what has been open for too long."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.job import Health, Heartbeat, Job, Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import DAY_MS, MINUTE_MS, Symbol
from crypto_ai_bot.domain.order import Order
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Advance
from crypto_ai_bot.reconciliation.resolve import RESOLVE_WITHIN_MS
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.desk import Desk, give_back
from crypto_ai_bot.usecases.exchange_stops import should_rest
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.outcome import RunOutcome
from crypto_ai_bot.usecases.run import Sight, finish, look

# Three missed runs are a failure: the schedules fire each minute, reconcile each five.
SILENT_AFTER_MS: Final = {
    Job.EVALUATE: 3 * MINUTE_MS,
    Job.EXITS: 3 * MINUTE_MS,
    Job.RECONCILE: 15 * MINUTE_MS,
}
UNRESOLVED_AFTER_MS: Final = 2 * MINUTE_MS
UNPROTECTED_AFTER_MS: Final = 2 * MINUTE_MS
CLOCK_OFFSET_MS_MAX: Final = 5_000  # the order's deadline is a few seconds (gate-spot 5)

KEY_LIFE_DAYS: Final = 90  # of a key without an IP list: then Gate ends it
KEY_WARNING_DAYS: Final = 75

OK: Final = "ok"


def watchdog(desk: Desk, tick: Tick) -> RunOutcome:
    """Writes the health item that /health serves; each check is "ok" or what is wrong."""
    sight = look(desk, tick)
    now_ms = desk.clock.now_ms()
    overdue = _overdue(desk.store.unresolved_orders(), now_ms)
    bare = _bare(desk, sight, now_ms)
    checks = {
        **{f"heartbeat {job}": _heartbeat(sight, job, now_ms) for job in SILENT_AFTER_MS},
        "exchange": _exchange(desk, now_ms),
        "orders": _orders(overdue, now_ms),
        "leases": _leases(desk, sight.glance.ledgers.values(), now_ms),
        "halts": _halts(sight.glance.ledgers.values()),
        "stops at the exchange": _exchange_stops(bare),
        "exchange key": key_age(desk.policy.key_created_ms, now_ms) or OK,
    }
    desk.store.commit([Advance(Health(_status(checks), checks, now_ms))])
    silent_ms = _exits_silent_ms(desk, sight, now_ms)
    outcome = _take_over(desk, sight, silent_ms) if silent_ms else finish(desk, sight, [])
    findings = {"orders_unresolved": len(overdue), **_findings(desk, sight, silent_ms, now_ms)}
    if desk.policy.exchange_stop:
        findings["stops_missing"] = len(bare)
    return replace(outcome, findings=findings)


def _findings(desk: Desk, sight: Sight, silent_ms: int, now_ms: int) -> dict[str, int]:
    """What alarms are set on, counted. The watchdog itself is one of the jobs that are alive."""
    policy, beats = desk.policy, sight.glance.heartbeats
    alive = [job for job in SILENT_AFTER_MS if _silent_for_ms(beats.get(job), job, now_ms) == 0]
    loss_quote = sight.open_loss_quote - sight.glance.account.at(now_ms).realised_quote
    found = {
        "jobs_alive": 1 + len(alive),
        "symbols_halted": sum(1 for ledger in sight.glance.ledgers.values() if ledger.halt),
        "daily_loss_reached": int(policy.limits.day_is_lost(loss_quote)),
    }
    if policy.dead_after_ms:
        found["dead_mans_switch"] = int(silent_ms > 0)
    if policy.key_created_ms:
        found["key_age_days"] = (now_ms - policy.key_created_ms) // DAY_MS
    return found


def _exits_silent_ms(desk: Desk, sight: Sight, now_ms: int) -> int:
    """How long nobody has judged an open position; 0 while that is not too long.

    A position just opened has waited no longer than it is open, also when exits has never run: in
    the first minute of a deployment it may simply not have come to its end yet.
    """
    if not (desk.policy.dead_after_ms and sight.open_symbols):
        return 0
    beat = sight.glance.heartbeats.get(Job.EXITS)
    open_ms = min(_open_since_ms(sight.ledger(symbol)) for symbol in sight.open_symbols)
    silent_ms = now_ms - max(open_ms, beat.completed_ms if beat else 0)
    return silent_ms if silent_ms > desk.policy.dead_after_ms else 0


def _open_since_ms(ledger: Ledger) -> int:
    if ledger.guard:
        return ledger.guard.opened_ms
    return ledger.pending.journaled_ms if ledger.pending else 0


def _take_over(desk: Desk, sight: Sight, silent_ms: int) -> RunOutcome:
    """The dead man's switch: stops entries, and judges the stops in the place of exits.

    Under the watchdog's own tick, so the heartbeat of exits stays silent until exits itself is
    back. Entries stay stopped until a person starts them again.
    """
    reason = f"dead man's switch: exits silent for {silent_ms // 1000} s"
    state = TradingState.EXITS_ONLY
    set_trading_state(desk.store, desk.clock, state, reason, "watchdog", only_tighten=True)
    return exits(desk, sight.tick)


def _status(checks: dict[str, str]) -> str:
    """Failing when stops are not being judged; degraded for anything else."""
    if checks[f"heartbeat {Job.EXITS}"] != OK:
        return "failing"
    return OK if all(found == OK for found in checks.values()) else "degraded"


def _heartbeat(sight: Sight, job: Job, now_ms: int) -> str:
    beat = sight.glance.heartbeats.get(job)
    if beat is None:
        return "never ran"
    if silent_ms := _silent_for_ms(beat, job, now_ms):
        return f"last completed {silent_ms // 1000} s ago"
    return OK if beat.ok else "the last run could not judge everything"


def _silent_for_ms(beat: Heartbeat | None, job: Job, now_ms: int) -> int:
    """How long a job has completed nothing; 0 while that is not too long."""
    silent_ms = now_ms - (beat.completed_ms if beat else 0)
    return silent_ms if silent_ms > SILENT_AFTER_MS[job] else 0


def key_age(created_ms: int, now_ms: int) -> str:
    """What to do about a key without an IP list that is getting old; "" while there is time."""
    days = (now_ms - created_ms) // DAY_MS
    if not created_ms or days < KEY_WARNING_DAYS:
        return ""
    return (
        f"the exchange key is {days} days old, Gate ends it after {KEY_LIFE_DAYS}: make a new one "
        "or give it an IP list, then set API_KEY_CREATED anew or empty"
    )


def _exchange(desk: Desk, now_ms: int) -> str:
    try:
        offset_ms = desk.broker.fetch_server_ms() - now_ms
    except ExchangeUnavailable as error:
        return str(error)
    if abs(offset_ms) > CLOCK_OFFSET_MS_MAX:
        return f"the exchange's clock is {offset_ms} ms from ours"
    return OK


def _overdue(orders: Sequence[Order], now_ms: int) -> list[Order]:
    return [order for order in orders if now_ms - order.journaled_ms > UNRESOLVED_AFTER_MS]


def _orders(overdue: Sequence[Order], now_ms: int) -> str:
    if not overdue:
        return OK
    first = overdue[0]
    age_ms = now_ms - first.journaled_ms
    return (
        f"{len(overdue)} unresolved, the oldest {first.client_order_id} for {age_ms // 1000} s "
        f"(halts after {RESOLVE_WITHIN_MS // 1000} s)"
    )


def _leases(desk: Desk, ledgers: Iterable[Ledger], now_ms: int) -> str:
    """Gives back the leases of runs that died; one that lasts too long is a clock that jumped."""
    stuck = []
    for ledger in ledgers:
        if ledger.lease and ledger.lease.expires_ms <= now_ms:
            give_back(desk, ledger)
        elif ledger.lease and ledger.lease.expires_ms > now_ms + desk.policy.lease_ms:
            stuck.append(f"{ledger.symbol} until {ledger.lease.expires_ms}")
    return f"leased for longer than a run lives: {', '.join(stuck)}" if stuck else OK


def _exchange_stops(bare: Sequence[Symbol]) -> str:
    return f"none rests for {', '.join(map(str, bare))}" if bare else OK


def _bare(desk: Desk, sight: Sight, now_ms: int) -> list[Symbol]:
    """Positions that have been open for a while without the stop that should rest for them."""
    return [
        symbol
        for symbol, ledger in sight.glance.ledgers.items()
        if should_rest(desk, sight, ledger, sight.glance.rules.get(symbol))
        and not (ledger.exchange_stop and ledger.exchange_stop.stop_ids)
        and now_ms - _bare_since_ms(ledger) > UNPROTECTED_AFTER_MS
    ]


def _bare_since_ms(ledger: Ledger) -> int:
    placing_ms = ledger.exchange_stop.journaled_ms if ledger.exchange_stop else 0
    return max(placing_ms, ledger.guard.opened_ms if ledger.guard else 0)


def _halts(ledgers: Iterable[Ledger]) -> str:
    stopped = [f"{ledger.symbol}: {ledger.halt.reason}" for ledger in ledgers if ledger.halt]
    return "; ".join(stopped) if stopped else OK
