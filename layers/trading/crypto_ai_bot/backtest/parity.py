"""Whether two runs over the same candles decided, traded and earned the same, order by order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import isclose
from typing import Any, Final

from crypto_ai_bot.backtest.moments import day_and_minute
from crypto_ai_bot.backtest.records import Decision, Fill
from crypto_ai_bot.backtest.result import Result

# Live folds its warm-up where the backtest folds everything: recursive averages, and with them
# scores and ATR stops, agree to what a warm-up leaves over (indicators), not to the last digit.
_LEFT_OVER: Final = 1e-6
_AMOUNTS: Final = ("price", "base", "quote", "fee_quote")
_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Parity:
    """How many of what the backtest made the replay made too; `exact` of them to the last digit.

    `differences` has a line for each that is not the same, with its cause where it is known.
    `equity_error` is the largest distance of the two equity curves, by the higher of the two.
    """

    decisions: int
    fills: int
    exact: int
    equity_error: float
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Nothing differs."""
        return not self.differences and self.equity_error <= _LEFT_OVER

    def as_json(self) -> Mapping[str, Any]:
        """For machines."""
        return {
            "same": self.same,
            "decisions": self.decisions,
            "fills": self.fills,
            "fills_exact": self.exact,
            "equity_error": self.equity_error,
            "differences": list(self.differences),
        }

    def lines(self) -> list[str]:
        """For a person."""
        found = "the same" if self.same else f"{len(self.differences)} differences"
        told = [
            f"decisions  {self.decisions}, {found}",
            f"fills      {self.fills}, {self.exact} to the last digit",
            f"equity     {self.equity_error:.1e} apart at most",
        ]
        more = len(self.differences) - _SHOWN_MAX
        told += [f"differs    {line}" for line in self.differences[:_SHOWN_MAX]]
        return told + ([f"           and {more} more"] if more > 0 else [])


def parity_of(backtest: Result, replayed: Result) -> Parity:
    """Holds `replayed` against `backtest`."""
    known = {_key(fill): fill for fill in replayed.fills}
    pairs = [(fill, known.get(_key(fill))) for fill in backtest.fills]
    exact = sum(other is not None and _exact(fill, other) for fill, other in pairs)
    return Parity(
        decisions=len(backtest.decisions),
        fills=len(backtest.fills),
        exact=exact,
        equity_error=_equity_error(backtest, replayed),
        differences=tuple(_differences(backtest, replayed)),
    )


def _key(made: Decision | Fill) -> tuple[Any, ...]:
    return made.at_ms, made.symbol, made.purpose


def _exact(one: Fill, other: Fill) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _AMOUNTS)


def _equity_error(backtest: Result, replayed: Result) -> float:
    pairs = zip(backtest.equity.quote, replayed.equity.quote, strict=True)
    return max((abs(one - other) / max(one, other) for one, other in pairs), default=0.0)


def _differences(backtest: Result, replayed: Result) -> Iterator[str]:
    """In the order of time: what one decided and the other did not, then what came of it."""
    ours, theirs = _by_key(backtest.decisions), _by_key(replayed.decisions)
    for key in sorted({*ours, *theirs}):
        one, other = ours.get(key), theirs.get(key)
        if not other:
            yield f"{_spelled(key)}: only the backtest {_what(one)}{_instead(key, theirs)}"
        elif not one:
            yield f"{_spelled(key)}: only the replay {_what(other)}{_instead(key, ours)}"
        elif line := _unlike(one, other):
            yield f"{_spelled(key)}: {line}"
    known = {_key(fill): fill for fill in replayed.fills}
    for fill in backtest.fills:
        other_fill = known.get(_key(fill))
        for name in _AMOUNTS if other_fill else ():
            mine, its = getattr(fill, name), getattr(other_fill, name)
            if not isclose(mine, its, rel_tol=_LEFT_OVER):
                yield f"{_spelled(_key(fill))}: {name} {mine} in the backtest, {its} in the replay"


def _by_key(decisions: Sequence[Decision]) -> dict[tuple[Any, ...], Decision]:
    return {_key(one): one for one in decisions}


def _unlike(one: Decision, other: Decision) -> str:
    """What the two decisions differ in; "" for nothing."""
    if "; ".join(one.reasons) != "; ".join(other.reasons):
        return f"because {one.reasons} in the backtest, {other.reasons} in the replay"
    for mine, its in zip_longest(one.objections, other.objections, fillvalue="nothing"):
        if mine != its:
            return f"objected {mine!r} in the backtest, {its!r} in the replay"
    if not isclose(one.score, other.score, rel_tol=_LEFT_OVER, abs_tol=_LEFT_OVER):
        return f"score {one.score} in the backtest, {other.score} in the replay"
    return ""


def _what(decision: Decision | None) -> str:
    if decision is None:
        return "decided"
    if decision.objections:
        return f"wanted to, but {'; '.join(decision.objections)}"
    return f"did, because {'; '.join(decision.reasons)}"


def _instead(key: tuple[Any, ...], others: Mapping[tuple[Any, ...], Decision]) -> str:
    """What the other decided of the symbol at that moment, as far as it tells the cause."""
    at_ms, symbol, _ = key
    found = [one for one in others.values() if one.at_ms == at_ms and one.symbol == symbol]
    return "".join(f"; the other {_what(one)} ({one.purpose})" for one in found)


def _spelled(key: tuple[Any, ...]) -> str:
    at_ms, symbol, purpose = key
    return f"{day_and_minute(at_ms)} {symbol} {purpose}"
