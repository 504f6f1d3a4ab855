"""Candles of a file as columns: CSV, gzipped or not, or Parquet."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from crypto_ai_bot.backtest.market import Finding, Market
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import MarketRules, Symbol, TradeStatus
from crypto_ai_bot.domain.money import ONE, ZERO

HEADER: Final = ("timestamp", "open", "high", "low", "close", "volume")
_PAIR: Final = re.compile(r"([A-Z0-9]+)_([A-Z0-9]+)")
_TIME_MAX: Final = 10**14  # milliseconds, not micro: the year 5138
_AMOUNT_STEP: Final = Decimal("0.000001")
_QUOTE_MIN: Final = Decimal(3)

type _Row = tuple[int, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """What the exchange's rules are taken to be; a step of 0 for those of no exchange at all."""

    taker_fee_rate: Decimal
    amount_step_base: Decimal = _AMOUNT_STEP
    amount_quote_min: Decimal = _QUOTE_MIN


class _Found(NamedTuple):
    rows: list[_Row]
    price_decimals: int


def read_market(path: Path, terms: RuleTerms, symbol: Symbol | None = None) -> Market:
    """The market of a file, which begins with the pair's name (`BTC_USDT-…`) or is told it.

    Bars that come twice or too late are put right and told of, as gaps are (`Market.findings`).
    The timeframe is the shortest distance between two bars. Raises BadSetting, one line, for a
    file that cannot be read or holds what is not a candle.
    """
    symbol = symbol or _named(path)
    rows, decimals = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    ordered, findings = _ordered(symbol, rows)
    if len(ordered) < 2:  # noqa: PLR2004 - one distance needs two
        raise BadSetting(f"{path}: {len(ordered)} candles; at least 2 are needed")
    step_ms = min(after[0] - before[0] for before, after in pairwise(ordered))
    findings += _gaps(symbol, ordered, step_ms)
    opened_ms, opens, highs, lows, closes, volumes = (
        list(one) for one in zip(*ordered, strict=True)
    )
    rules = _rules(symbol, terms, decimals)
    return Market(
        symbol, step_ms, rules, opened_ms, opens, highs, lows, closes, volumes, tuple(findings)
    )


def part_of(market: Market, from_ms: int, until_ms: int) -> Market:
    """The bars that open from `from_ms` to before `until_ms`, and what was odd about these."""
    first = next((n for n, at in enumerate(market.opened_ms) if at >= from_ms), market.bars)
    last = next((n for n, at in enumerate(market.opened_ms) if at >= until_ms), market.bars)
    part = slice(first, max(first, last))
    return replace(
        market,
        opened_ms=market.opened_ms[part],
        opens=market.opens[part],
        highs=market.highs[part],
        lows=market.lows[part],
        closes=market.closes[part],
        volumes=market.volumes[part],
        findings=tuple(one for one in market.findings if from_ms <= one.at_ms < until_ms),
    )


def _named(path: Path) -> Symbol:
    pair = _PAIR.match(path.name)
    if not pair or pair[1] == pair[2]:
        raise BadSetting(
            f"{path}: no pair in the file's name; call it BTC_USDT-….csv or say BTC/USDT={path}"
        )
    return Symbol(pair[1], pair[2])


def _rules(symbol: Symbol, terms: RuleTerms, decimals: int) -> MarketRules:
    exact = bool(terms.amount_step_base)
    return MarketRules(
        symbol=symbol,
        amount_step_base=terms.amount_step_base,
        price_step_quote=ONE.scaleb(-decimals) if exact else ZERO,
        amount_base_min=terms.amount_step_base,
        amount_quote_min=terms.amount_quote_min,
        taker_fee_rate=terms.taker_fee_rate,
        trade_status=TradeStatus.TRADABLE,
        delisting_ms=0,
        read_ms=0,
    )


def _csv(path: Path) -> _Found:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as lines:
            return _csv_rows(path, csv.reader(lines))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BadSetting(f"{path}: cannot be read: {reason}") from error


def _csv_rows(path: Path, lines: Iterator[list[str]]) -> _Found:
    if tuple(next(lines, ())) != HEADER:
        raise BadSetting(f"{path}: line 1: the header must be {','.join(HEADER)}")
    rows, decimals = list[_Row](), 0
    for cells in lines:
        try:
            opened, *prices, volume = cells
            first, high, low, close = map(float, prices)
            row = _checked(int(opened), first, high, low, close, float(volume))
        except (ValueError, TypeError):
            row = None
        if row is None:
            line = len(rows) + 2
            raise BadSetting(f"{path}: line {line}: {','.join(cells)[:80]!r}; {_ALLOWED}")
        decimals = max(decimals, *(len(price.partition(".")[2].rstrip("0")) for price in prices))
        rows.append(row)
    return _Found(rows, decimals)


_ALLOWED: Final = (
    "allowed: whole ms, four prices above 0 with low ≤ open, close ≤ high, a volume of 0 or more"
)


def _checked(
    opened_ms: int, opened: float, high: float, low: float, close: float, volume: float
) -> _Row | None:
    """The row; None of what is not a candle (a comparison with NaN is false)."""
    sound = 0 < low <= opened <= high < float("inf") and low <= close <= high
    if sound and 0 <= volume < float("inf") and 0 <= opened_ms < _TIME_MAX:
        return opened_ms, opened, high, low, close, volume
    return None


def _parquet(path: Path) -> _Found:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra, for this alone
    except ImportError:
        raise BadSetting(
            f"{path}: Parquet needs pyarrow: pip install 'crypto-ai-bot[backtest]'"
        ) from None
    try:
        table = parquet.read_table(path, columns=list(HEADER))
    except (OSError, ArrowException) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadSetting(f"{path}: cannot be read: {line}") from error
    if table.column_names != list(HEADER):
        raise BadSetting(f"{path}: the columns must be {', '.join(HEADER)}")
    rows, decimals = list[_Row](), 0
    for number, cells in enumerate(
        zip(*(column.to_pylist() for column in table.columns), strict=True)
    ):
        row = _parquet_row(cells)
        if row is None:
            raise BadSetting(f"{path}: row {number + 1}: {cells}; {_ALLOWED}")
        decimals = max(decimals, *(_decimals(price) for price in row[1:5]))
        rows.append(row)
    return _Found(rows, decimals)


def _parquet_row(cells: tuple[Any, ...]) -> _Row | None:
    try:
        opened, *others = cells
        whole = int(opened.timestamp() * 1000) if hasattr(opened, "timestamp") else int(opened)
        first, high, low, close, volume = map(float, others)
        return _checked(whole, first, high, low, close, volume)
    except (ValueError, TypeError):
        return None


def _decimals(price: float) -> int:
    exponent = Decimal(repr(price)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _ordered(symbol: Symbol, rows: list[_Row]) -> tuple[list[_Row], list[Finding]]:
    """The rows in order, each time once: of two, the later line counts."""
    findings = []
    late = [after for before, after in pairwise(rows) if after[0] < before[0]]
    if late:
        text = f"{len(late)} bars stand after a later one: sorted"
        findings.append(Finding(symbol, "disorder", late[0][0], len(late), text))
    once = {row[0]: row for row in rows}
    if len(once) < len(rows):
        twice = [after[0] for before, after in pairwise(sorted(rows)) if after[0] == before[0]]
        text = f"{len(twice)} bars come more than once: the last of each was taken"
        findings.append(Finding(symbol, "duplicate", twice[0], len(twice), text))
    ordered = sorted(once.values()) if late else list(once.values())
    return ordered, findings


def _gaps(symbol: Symbol, rows: Iterable[_Row], step_ms: int) -> list[Finding]:
    return [
        Finding(symbol, "gap", before[0] + step_ms, missing, f"{missing} bars are missing")
        for before, after in pairwise(rows)
        if (missing := (after[0] - before[0]) // step_ms - 1)
    ]
