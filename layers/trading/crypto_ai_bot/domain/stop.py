"""Protective exits: where the stops of a position stand, and whether a price has reached one.

Prices here are floats, like a strategy's: they are compared, never paid. Amounts are Decimal.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from crypto_ai_bot.domain.money import ONE, ZERO, total
from crypto_ai_bot.domain.order import Purpose


class TakeProfitStep(NamedTuple):
    """At a gain of `gain_pct` over the entry price, `fraction` of what was bought is sold."""

    gain_pct: float
    fraction: Decimal


@dataclass(frozen=True, slots=True)
class StopRules:
    """Which stops are set. Per cent of the entry price, but the trailing stop: of the peak.

    0 (or no steps) turns one off. `time_ms` sells a position that has been open for so long.
    """

    hard_pct: float = 5.0
    trailing_pct: float = 0.0
    atr_multiple: float = 0.0
    break_even_pct: float = 0.0
    time_ms: int = 0
    take_profit: tuple[TakeProfitStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """What the stops of an open position remember.

    `entry_price` is the average price paid without fees, `break_even_price` the price at which
    selling returns all that was paid, fees of both sides included. `bought_base` is what the
    entry brought, the measure of take-profit steps. `peak_price` and `stop_price` only rise.
    """

    opened_ms: int
    entry_price: float
    break_even_price: float
    bought_base: Decimal
    atr: float
    peak_price: float
    stop_price: float


class ExitCall(NamedTuple):
    """A stop or a step was reached: sell `amount_base`, before it is floored to the step."""

    purpose: Purpose
    amount_base: Decimal
    reason: str


def stop_level(rules: StopRules, guard: Guard) -> float:
    """The highest of the stops that are set, never below where it stood; 0 when none is set."""
    levels = [guard.stop_price]
    if rules.hard_pct:
        levels.append(guard.entry_price * (1 - rules.hard_pct / 100))
    if rules.trailing_pct:
        levels.append(guard.peak_price * (1 - rules.trailing_pct / 100))
    if rules.atr_multiple and guard.atr:
        levels.append(guard.peak_price - rules.atr_multiple * guard.atr)
    if rules.break_even_pct and guard.peak_price >= guard.entry_price * (
        1 + rules.break_even_pct / 100
    ):
        levels.append(guard.break_even_price)
    return max(levels)


def opened(rules: StopRules, guard: Guard) -> Guard:
    """The guard of a position just opened, its stop in place."""
    return replace(guard, stop_price=stop_level(rules, guard))


def judge(
    rules: StopRules, guard: Guard, held_base: Decimal, price: float, now_ms: int
) -> tuple[Guard, ExitCall | None]:
    """The guard after seeing `price`, and the exit that it calls for.

    The stop is looked at before the peak moves, as it stood when the price arrived; a stop goes
    before a take-profit step, for it sells all.
    """
    level = stop_level(rules, guard)
    if level and price <= level:
        reason = f"price {price:g} reached the stop at {level:g}"
        return replace(guard, stop_price=level), ExitCall(Purpose.STOP, held_base, reason)
    if rules.time_ms and now_ms - guard.opened_ms >= rules.time_ms:
        reason = f"open for {(now_ms - guard.opened_ms) // 1000} s, the time stop"
        return guard, ExitCall(Purpose.STOP, held_base, reason)
    raised = replace(guard, peak_price=max(guard.peak_price, price))
    raised = replace(raised, stop_price=stop_level(rules, raised))
    return raised, _step_reached(rules, raised, held_base)


def _step_reached(rules: StopRules, guard: Guard, held_base: Decimal) -> ExitCall | None:
    """What is held above the target that the steps reached so far leave.

    A target rather than a counter: a step that was filled in part, or not at all, is simply not
    reached yet, and one that was filled twice cannot be.
    """
    reached = [
        step
        for step in rules.take_profit
        if guard.peak_price >= guard.entry_price * (1 + step.gain_pct / 100)
    ]
    if not reached:
        return None
    kept = max(ONE - total(step.fraction for step in reached), ZERO)
    surplus = held_base - guard.bought_base * kept
    if surplus <= ZERO:
        return None
    reason = f"a gain of {reached[-1].gain_pct:g} % was reached"
    return ExitCall(Purpose.TAKE_PROFIT, surplus, reason)
