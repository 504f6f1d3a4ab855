"""`cab-backtest`: what the strategy of this deployment would have done, with the code that trades.

Strategy, risk limits, stops, amount, fee and slippage are those of the settings (the environment,
.env); options take their place.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from crypto_ai_bot.backtest.candle_file import RuleTerms, part_of, read_market
from crypto_ai_bot.backtest.download import cache_path, download
from crypto_ai_bot.backtest.engine import run as run_backtest
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.moments import day
from crypto_ai_bot.cli.backtest_report import Subject, add_report_options, report_on
from crypto_ai_bot.cli.command import parser_of, read_env_file_of, run
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import DAY_MS, TIMEFRAMES_MS, Symbol
from crypto_ai_bot.domain.money import ZERO, to_decimal
from crypto_ai_bot.runtime.clock import wall_ms
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.strategies import registry

_CACHE: Final = Path(".local/candles")
_YEAR_MS: Final = 365 * DAY_MS


def main() -> None:
    """Entry point."""
    run(_backtest)


def _backtest() -> int:
    parser = parser_of("What the strategy would have done, with the code that trades.")
    add_candle_options(parser)
    add_report_options(parser)
    options = parser.parse_args()
    subject = subject_of_options(options)
    return report_on(options, subject, run_backtest)


def add_candle_options(parser: ArgumentParser) -> None:
    """What is tested, on which candles, on which terms."""
    parser.add_argument(
        "candles", nargs="*", metavar="[SYMBOL=]FILE",
        help="CSV (.gz) with timestamp,open,high,low,close,volume, or Parquet; one a symbol",
    )  # fmt: skip
    parser.add_argument("--download", metavar="SYMBOLS", help="BTC/USDT,ETH/USDT, into a cache")
    parser.add_argument("--cache", type=Path, default=_CACHE, help=f"default {_CACHE}")
    parser.add_argument("--timeframe", choices=TIMEFRAMES_MS, help="of what is downloaded")
    parser.add_argument("--from", dest="from_ms", type=_day_ms, help="first day, as 2026-01-31")
    parser.add_argument("--until", dest="until_ms", type=_day_ms, help="day after the last one")
    parser.add_argument("--strategy", help="its name (default: STRATEGY)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="values",
        help="a parameter of the strategy")  # fmt: skip
    for name, what in _AMOUNTS.items():
        parser.add_argument(f"--{name}", type=_amount, help=what)
    parser.add_argument("--all-in", action="store_true", help="spend all that is free on an entry")
    parser.add_argument(
        "--no-steps", action="store_true", help="no exchange's steps and minimums: floats, quicker"
    )


_AMOUNTS: Final = {
    "start": "quote to begin with (default: PAPER_QUOTE_BALANCE)",
    "amount": "quote spent on an entry (default: FIXED_AMOUNT)",
    "fee-pct": "of each order (default: PAPER_FEE_PCT)",
    "slippage-pct": "of each price (default: PAPER_SLIPPAGE_PCT)",
    "spread-pct": "between bid and ask (default 0)",
}


def subject_of_options(options: Namespace) -> Subject:
    """What the options ask to test. Raises BadSetting with one line for what cannot be."""
    read_env_file_of(options.env_file)
    settings = Settings.from_environment()
    name = options.strategy or settings.strategy
    own = settings.strategy_parameters if name == settings.strategy else {}
    parameters = {**own, **dict(_parameter(text) for text in options.values)}
    strategy = registry.load(name, parameters)
    markets = [
        part_of(market, options.from_ms or 0, options.until_ms or sys.maxsize)
        for market in _markets(options, settings)
    ]
    return Subject(name, parameters, strategy, markets, _terms(options, settings))


def _terms(options: Namespace, settings: Settings) -> Terms:
    amount = _given(options.amount, settings.fixed_amount)
    return Terms(
        start_quote=_given(options.start, settings.paper_quote_balance),
        amount_quote=None if options.all_in else amount,
        spread_pct=_given(options.spread_pct, ZERO),
        slippage_pct=_given(options.slippage_pct, settings.paper_slippage_pct),
        limits=settings.risk_limits,
        stops=settings.stop_rules,
    )


def _given(option: Decimal | None, setting: Decimal) -> Decimal:
    return setting if option is None else option


def _markets(options: Namespace, settings: Settings) -> Iterator[Market]:
    fee_rate = _given(options.fee_pct, settings.paper_fee_pct) / 100
    rules = RuleTerms(fee_rate, ZERO, ZERO) if options.no_steps else RuleTerms(fee_rate)
    if not (options.candles or options.download):
        raise BadSetting("candles: name files, or --download BTC/USDT --from 2026-01-31")
    for text in options.candles:
        symbol, _, path = text.rpartition("=")
        yield read_market(Path(path), rules, _symbol(symbol) if symbol else None)
    for text in (options.download or "").split(","):
        if text:
            yield read_market(_downloaded(options, settings, _symbol(text)), rules)


def _downloaded(options: Namespace, settings: Settings, symbol: Symbol) -> Path:
    """The cached file, with what it lacked; says on stderr how far it is."""
    from crypto_ai_bot.brokers.ccxt_client import CcxtClient  # noqa: PLC0415 - files need no ccxt
    from crypto_ai_bot.brokers.ccxt_history import fetch_page  # noqa: PLC0415 - likewise

    timeframe, now_ms = options.timeframe or settings.timeframe, wall_ms()
    from_ms = options.from_ms or (now_ms - _YEAR_MS) // DAY_MS * DAY_MS
    until_ms = min(options.until_ms or now_ms, now_ms)
    path = cache_path(options.cache, settings.exchange, symbol, timeframe, from_ms)
    client = CcxtClient(settings.exchange, base_url=settings.exchange_url, deadline_ms=30_000)

    def told(at_ms: int) -> None:
        share = min((at_ms - from_ms) / max(until_ms - from_ms, 1), 1)
        print(f"\r{symbol} {timeframe} {share:4.0%} to {day(at_ms)}", end="", file=sys.stderr)

    added = download(
        path,
        timeframe,
        from_ms,
        until_ms,
        lambda since_ms: fetch_page(client, symbol, timeframe, since_ms, now_ms),
        told,
    )
    if added:
        print(file=sys.stderr)
    return path


def _symbol(text: str) -> Symbol:
    try:
        return Symbol.parse(text)
    except ValueError as error:
        raise BadSetting(str(error)) from None


def _parameter(text: str) -> tuple[str, Any]:
    """`fast=9`: numbers and true or false as in JSON, anything else is a text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise BadSetting(f"--set {text}: must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _amount(text: str) -> Decimal:
    """For argparse, which tells of a ValueError in a line of its own."""
    amount = to_decimal(text)
    if amount < 0:
        raise ValueError(text)
    return amount


def _day_ms(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000


if __name__ == "__main__":
    main()
