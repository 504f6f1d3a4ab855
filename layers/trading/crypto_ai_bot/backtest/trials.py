"""Everything that was tried: each set of parameters with its days, on file from search to search.

Whoever tries again and again and keeps the best must count all tries, those of yesterday too.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from crypto_ai_bot.backtest.market import Market
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.backtest.space import Parameters, parameters_of
from crypto_ai_bot.backtest.statistics import by_day, changes, moments_of
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.strategies.base import Strategy

_DECIMALS: Final = 9  # of a daily change: files stay readable, ratios do not notice


@dataclass(frozen=True, slots=True)
class Trial:
    """One try: with which parameters, on which terms, and how its equity changed day by day.

    `parameters` are all of them, defaults included. `terms` tells terms apart. `sharpe` is daily.
    """

    parameters: Parameters
    terms: str
    daily: tuple[float, ...]
    sharpe: float
    made_pct: float

    @property
    def name(self) -> str:
        """What makes it another try than others of the same subject."""
        return f"{_spelled(self.parameters)} on {self.terms}"


def trial_of(strategy: Strategy, result: Result) -> Trial:
    """What later judgements need of a run of `strategy`."""
    terms = result.terms
    start = float(terms.start_quote)
    _, quote = by_day(*result.equity)
    daily = tuple(round(change, _DECIMALS) for change in changes(quote, start))
    return Trial(
        parameters=dict(parameters_of(strategy)),
        terms=_digest(repr(terms)),
        daily=daily,
        sharpe=moments_of(daily).sharpe,
        made_pct=100 * (result.final_equity / start - 1),
    )


def _spelled(parameters: Parameters) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(parameters.items()))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def subject_of(strategy: Strategy, markets: Sequence[Market]) -> str:
    """What trials of one strategy on one set of candles share: tries on others do not count."""
    kind = type(strategy)
    bounds = [f"{m.symbol} {m.timeframe_ms} {m.opened_ms[0]} {m.opened_ms[-1]}" for m in markets]
    named = "\n".join([f"{kind.__module__}.{kind.__qualname__}", *bounds])
    return _digest(named)


def remember(path: Path, subject: str, trials: Iterable[Trial]) -> None:
    """Adds `trials` to the file, a JSON line each. Raises BadSetting where that fails."""
    lines = [json.dumps({"subject": subject, **asdict(trial)}) + "\n" for trial in trials]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(lines))
    except OSError as error:
        raise BadSetting(f"{path}: trials cannot be written: {error.strerror}") from None


def recalled(path: Path, subject: str) -> list[Trial]:
    """The trials of `subject` on file; none when there is no file.

    Raises BadSetting for a file that holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError):
        raise BadSetting(f"{path}: must be a readable file of trials") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            row: dict[str, Any] = json.loads(line)
            if row.pop("subject") == subject:
                found.append(Trial(**{**row, "daily": tuple(row["daily"])}))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadSetting(f"{path}, line {number}: is no trial") from None
    return found
