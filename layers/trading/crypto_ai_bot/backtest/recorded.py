"""A recorded run, live or paper, through the use cases once more: the same ticks and prices.

The record is what the functions return or log: one outcome a line, as JSON. What each run decided
must come out again from the candles, the prices that it saw, and the trading state of then.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.moments import day_and_minute
from crypto_ai_bot.backtest.replay import Stage, stage_of
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.strategies.base import Strategy
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits

_RUN: Final = {Job.EVALUATE: evaluate, Job.EXITS: exits}


@dataclass(frozen=True, slots=True)
class Recalled:
    """How many decisions of a record were made again, and a line for each that came out otherwise.

    A difference does not end the replay: what follows from it shows too.
    """

    runs: int
    decisions: int
    differences: tuple[str, ...]


def recall(path: Path, markets: Sequence[Market], strategy: Strategy, terms: Terms) -> Recalled:
    """Replays the record at `path`. Raises BadSetting, one line, for what is not one."""
    stage = stage_of(markets, strategy, terms)
    known = {str(market.symbol) for market in markets}
    runs, decisions, differences = 0, 0, list[str]()
    for number, outcome in _outcomes(path):
        try:
            made = _run_again(stage, outcome, known, f"line-{number}")
        except (KeyError, ValueError, TypeError, InvalidOperation) as error:
            raise BadSetting(f"{path}: line {number}: not an outcome: {error!r}") from error
        runs += 1
        decisions += len(made)
        differences += [line for line in made if line]
    return Recalled(runs, decisions, tuple(differences))


def _outcomes(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The outcomes of evaluate and exits, whether alone on a line or under `outcome` in a log."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line)
        except ValueError:
            raise BadSetting(f"{path}: line {number}: is not JSON") from None
        outcome = found.get("outcome", found) if isinstance(found, dict) else None
        if isinstance(outcome, dict) and outcome.get("job") in {str(job) for job in _RUN}:
            yield number, outcome


def _run_again(stage: Stage, outcome: Mapping[str, Any], known: set[str], run_id: str) -> list[str]:
    """For each symbol of the run: how it came out otherwise, "" when it did not."""
    job, recorded = (
        Job(outcome["job"]),
        [one for one in outcome["symbols"] if one["symbol"] in known],
    )
    if not recorded:
        return []
    stage.clock.at_ms = outcome["scheduled_ms"]
    stage.switch.state = TradingState(outcome["trading_state"])
    for one in recorded:
        if shown := one["quote"]:
            symbol = Symbol.parse(one["symbol"])
            stage.feed.quote(symbol, Decimal(shown["bid"]), Decimal(shown["ask"]))
    symbols = tuple(Symbol.parse(one["symbol"]) for one in recorded)
    again = _RUN[job](stage.desk, Tick(job, stage.clock.at_ms, "recorded", run_id, symbols))
    made = {str(one.symbol): one.as_json() for one in again.symbols}
    when = f"{day_and_minute(stage.clock.at_ms)} {job}"
    return [_unlike(f"{when} {one['symbol']}", one, made.get(one["symbol"])) for one in recorded]


def _unlike(where: str, recorded: Mapping[str, Any], made: Mapping[str, Any] | None) -> str:
    if made is None:
        return f"{where}: {recorded['decision']} then, nothing to decide now"
    if made["decision"] == recorded["decision"]:
        return ""
    then, now = ("; ".join(one["reasons"]) or "no reason" for one in (recorded, made))
    return f"{where}: {recorded['decision']} then ({then}), {made['decision']} now ({now})"
