"""What a check of honesty found: whether the backtest stands it, in words that a trader reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Standing(StrEnum):
    """How a backtest fares in one check."""

    PASSES = "passes"
    FAILS = "fails"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name (that of its option), how it went, a sentence or two, and the figures."""

    name: str
    standing: Standing
    sentence: str
    figures: Mapping[str, float | None] = field(default_factory=dict[str, float | None])


def conclusion(checks: Sequence[Check]) -> str:
    """All checks in one sentence. Passing them is no proof that money will be made."""
    failed = [check.name for check in checks if check.standing is Standing.FAILS]
    unclear = [check.name for check in checks if check.standing is Standing.UNCLEAR]
    if failed:
        return f"Do not trade on this: it fails {_listed(failed)}."
    if unclear:
        return f"Not shown to work: {_listed(unclear)} cannot tell."
    if not checks:
        return "Nothing was checked."
    return "Nothing here speaks against it. That is no promise: the market is free to change."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
