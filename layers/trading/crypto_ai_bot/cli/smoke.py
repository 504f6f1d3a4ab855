"""`cab-smoke`: is everything there that trading needs? A line each, ok or what to do.

With MODE=live it looks at the key, the account and the lock too. It places nothing.
"""

from collections.abc import Iterator
from functools import partial

from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, read_env_file_of, run
from crypto_ai_bot.cli.finding import Check, Finding, Unfit, findings_of
from crypto_ai_bot.cli.smoke_live import live_checks
from crypto_ai_bot.domain.errors import ParameterUnavailable, TradingError
from crypto_ai_bot.domain.market import TIMEFRAMES_MS
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.ports.broker import PriceFeed
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.runtime.wiring import Workplace, open_workplace
from crypto_ai_bot.strategies.base import fold
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.watchdog import CLOCK_OFFSET_MS_MAX

_TIME_MS = 60_000


def _nothing_to_hide(_secrets: object) -> None:
    """No log is written here: what is printed is made of settings that are not secrets."""


def main() -> None:
    """Entry point."""
    run(_smoke)


def _smoke() -> int:
    options = parser_of("Checks settings, table, exchange and rules, and decides dry.").parse_args()
    read_env_file_of(options.env_file)
    findings = list(_findings())
    report = {
        "ok": all(one.ok for one in findings),
        "checks": [
            {"check": f.check, "ok": f.ok, "found": f.found, "to_do": f.advice} for f in findings
        ],
    }
    print_report(report, as_json=options.json, lines=[str(one) for one in findings])
    return 0 if report["ok"] else FAILED


def _findings() -> Iterator[Finding]:
    """Each check in the order in which a fault of one explains those of the next."""
    try:
        settings = Settings.from_environment()
        place = open_workplace(settings, _nothing_to_hide)
    except TradingError as error:
        yield Finding("settings", ok=False, found=str(error), advice="correct what is named")
        return
    symbols = ", ".join(map(str, settings.symbols))
    found = (
        f"{settings.account_name} as {settings.deployment_tag!r}: {symbols}, {settings.strategy}"
    )
    yield Finding("settings", ok=True, found=found)
    desk = place.desk(lambda: _TIME_MS)
    feed = place.feed(desk.clock)
    checks: list[Check] = [
        (
            "table",
            partial(_table, desk, settings),
            "set TABLE_NAME, and the region or AWS_ENDPOINT_URL; `make deploy-local` makes one",
        ),
        (
            "parameter",
            partial(_parameter, desk),
            "set TRADING_PARAMETER to a parameter that holds on, exits_only or off",
        ),
        (
            "exchange",
            partial(_exchange, feed, settings),
            "check the network, EXCHANGE and EXCHANGE_URL",
        ),
        ("clock", partial(_clock, desk, feed), "set this machine's clock (NTP)"),
        ("rules", partial(_rules, desk, feed, settings), "choose symbols that the exchange trades"),
        ("decision", partial(_decision, place, desk, feed), "see the lines above"),
    ]
    yield from findings_of([*checks, *live_checks(settings, desk)])


def _table(desk: Desk, settings: Settings) -> str:
    glance = desk.store.glance()
    return f"{settings.table_name}: {len(glance.ledgers)} symbols, control {glance.control.state}"


def _parameter(desk: Desk) -> str:
    try:
        return f"trading is {desk.switch.read()}"
    except ParameterUnavailable as error:
        raise Unfit(f"{error}; until it can be read no entry is made") from None


def _exchange(feed: PriceFeed, settings: Settings) -> str:
    quotes = feed.fetch_tickers(settings.symbols)
    missing = [str(symbol) for symbol in settings.symbols if symbol not in quotes]
    if missing:
        raise Unfit(f"no price of {', '.join(missing)}")
    shown = (f"{symbol} {plain(quote.bid)}/{plain(quote.ask)}" for symbol, quote in quotes.items())
    return f"{settings.exchange}: {', '.join(shown)}"


def _clock(desk: Desk, feed: PriceFeed) -> str:
    before_ms = desk.clock.now_ms()
    server_ms = feed.fetch_server_ms()
    offset_ms = server_ms - (before_ms + desk.clock.now_ms()) // 2
    if abs(offset_ms) > CLOCK_OFFSET_MS_MAX:
        raise Unfit(f"{offset_ms} ms from the exchange's, {CLOCK_OFFSET_MS_MAX} ms allowed")
    return f"{offset_ms} ms from the exchange's"


def _rules(desk: Desk, feed: PriceFeed, settings: Settings) -> str:
    told = []
    for symbol in settings.symbols:
        rules = feed.fetch_rules(symbol, desk.clock.now_ms())
        if not rules.may_buy:
            raise Unfit(f"{symbol} cannot be bought: {rules.trade_status}")
        if settings.fixed_amount < rules.amount_quote_min:
            raise Unfit(
                f"{symbol} takes at least {plain(rules.amount_quote_min)} {symbol.quote}, "
                f"FIXED_AMOUNT is {plain(settings.fixed_amount)}"
            )
        told.append(f"{symbol} from {plain(rules.amount_quote_min)} {symbol.quote}")
    return ", ".join(told)


def _decision(place: Workplace, desk: Desk, feed: PriceFeed) -> str:
    """What the strategy would say now of the first symbol; nothing is written."""
    policy = place.policy
    symbol, strategy = policy.symbols[0], policy.strategy
    bars = strategy.warm_up_bars
    candles = feed.fetch_candles(symbol, policy.timeframe, bars, desk.clock.now_ms())
    if len(candles) < bars:
        raise Unfit(f"{len(candles)} of {bars} {policy.timeframe} bars of {symbol}: too few")
    signal = fold(strategy, candles, holding=False)
    closed_ms = candles[-1].opened_ms + TIMEFRAMES_MS[policy.timeframe]
    said = "; ".join(signal.reasons) or "no signal"
    return f"{symbol}: {signal.action} on the bar closed at {closed_ms} ({said})"


if __name__ == "__main__":
    main()
