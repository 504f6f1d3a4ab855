"""`cab-perf`: what the running account has made, from the fills in its table."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Final

from crypto_ai_bot.cli.account_report import AccountReport, account_report, as_json
from crypto_ai_bot.cli.command import parser_of, print_report, read_env_file_of, run
from crypto_ai_bot.cli.lots_file import write_lots
from crypto_ai_bot.cli.table_text import table_text
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import DAY_MS, HOUR_MS
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.clock import SystemClock
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.storage.actions import Table
from crypto_ai_bot.storage.snapshot import journals, snapshot

_PLOT_COLUMNS: Final = 80
_PLOT_LINES: Final = 16
_AMOUNTS: Final = ("turnover", "fees", "realised", "held", "at cost")


def main() -> None:
    """Entry point."""
    run(_performance)


def _performance() -> int:
    options = _parser().parse_args()
    read_env_file_of(options.env_file)
    settings = Settings.from_environment()
    table = Books(settings).table(settings.table_name)
    now_ms = SystemClock(lambda: 0).now_ms()
    return show(options, table, settings.account_name, now_ms)


def _parser() -> ArgumentParser:
    parser = parser_of("Profit and loss of the running account, first in, first out, fees in it.")
    period = parser.add_mutually_exclusive_group()
    period.add_argument("--days", type=int, help="today and the days before (UTC; default 1)")
    period.add_argument("--from", dest="since", metavar="DAY", help="since 2026-01-31, UTC")
    parser.add_argument("--plot", action="store_true", help="draw the result, sale by sale")
    parser.add_argument(
        "--lots", type=Path, metavar="FILE", help="write the lots sold in the period as CSV"
    )
    return parser


def show(options: Namespace, table: Table, account: str, now_ms: int) -> int:
    """Prints the report of `account` as its table tells it."""
    from_ms = _from_ms(options, now_ms)
    journal = journals(snapshot(table)).get(account)
    if journal is None or not journal.fills:
        raise BadSetting(f"nothing was traded yet: the {account} account has no fill in its table")
    report = account_report(journal, from_ms, now_ms)
    lines = _lines(report, account)
    if options.plot:
        lines += ["", *_plot(report)]
    if options.lots:
        write_lots(options.lots, report.lots)
        lines.append(f"{options.lots}: {len(report.lots)} lots")
    print_report({"account": account, **as_json(report)}, as_json=options.json, lines=lines)
    return 0


def _from_ms(options: Namespace, now_ms: int) -> int:
    today_ms = now_ms - now_ms % DAY_MS
    if options.since is None:
        days = 1 if options.days is None else options.days
        if days < 1:
            raise BadSetting(f"--days {days}: must be at least 1")
        return today_ms - (days - 1) * DAY_MS
    try:
        since = datetime.strptime(f"{options.since}+0000", "%Y-%m-%d%z")
    except ValueError:
        raise BadSetting(f"--from {options.since}: must be a day like 2026-01-31") from None
    from_ms = int(since.timestamp()) * 1_000
    if from_ms > now_ms:
        raise BadSetting(f"--from {options.since}: is not yet")
    return from_ms


def _lines(report: AccountReport, account: str) -> list[str]:
    figures = report.figures
    lines = [
        f"{account}, {_minute(report.from_ms)} to {_minute(report.until_ms)} UTC",
        "",
        *_symbol_rows(report),
        "",
        f"realised    {plain(report.realised_quote)} after fees, first in, first out",
        f"drawdown    {plain(report.drawdown_quote)} of the realised result at its deepest",
    ]
    if report.fees_other:
        fees = ", ".join(f"{plain(amount)} {coin}" for coin, amount in report.fees_other.items())
        lines.append(f"also paid   {fees} in fees, not in the result")
    if not figures.trades:
        return [*lines, "trades      nothing was sold in this period"]
    factor = "no loss" if figures.profit_factor is None else f"{figures.profit_factor:.2f}"
    held_ms = sum(sale.held_ms for sale in report.sales) / len(report.sales)
    won = f"{figures.wins} won ({100 * (figures.win_rate or 0):.0f} %)"
    spread = f"best {figures.best:.4f}, worst {figures.worst:.4f}"
    return [
        *lines,
        f"trades      {figures.trades}, {won}, profit factor {factor}",
        f"a trade     {figures.average:.4f} on average, {spread}, held {held_ms / HOUR_MS:.1f} h",
    ]


def _symbol_rows(report: AccountReport) -> list[str]:
    head = ("symbol", "buys", "sells", "turnover", "fees", "realised", "held", "at cost")
    rows = [
        (
            str(one.symbol),
            str(one.buys),
            str(one.sells),
            *(plain(amount) for amount in (one.turnover_quote, one.fees_quote, one.realised_quote)),
            plain(one.held.base),
            plain(one.held.cost_quote),
        )
        for one in report.symbols
    ]
    return table_text(head, rows, right=("buys", "sells", *_AMOUNTS))


def _minute(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def _plot(report: AccountReport) -> list[str]:
    """The realised result over the sales, drawn by plotext, which is asked for only here."""
    try:
        plotext = import_module("plotext")
    except ModuleNotFoundError:
        raise BadSetting("--plot: needs plotext: pip install 'crypto-ai-bot[reports]'") from None
    figure = plotext.figure
    figure.clear()
    figure.plot_size(_PLOT_COLUMNS, _PLOT_LINES)
    curve = figure.signal([float(value) for value in report.curve])
    curve.lines()
    figure.draw(curve)
    figure.title("realised result after each sale")
    drawn: str = plotext.uncolorize(str(figure.build()))
    return [line.rstrip() for line in drawn.splitlines()]


if __name__ == "__main__":
    main()
