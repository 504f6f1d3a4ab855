"""The report as one HTML page: no script, nothing from elsewhere, readable without colour."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from crypto_ai_bot.backtest.market import Market
from crypto_ai_bot.backtest.moments import day, day_and_minute
from crypto_ai_bot.backtest.records import Fill
from crypto_ai_bot.backtest.report import Report, Row
from crypto_ai_bot.backtest.svg import Frame, area, axes, chart, column, framed, line, mark, ticks
from crypto_ai_bot.backtest.verdict import Check, Standing, conclusion
from crypto_ai_bot.domain.order import Purpose, Side

_TEMPLATE: Final = Path(__file__).with_name("page.html")
_WIDTH: Final = 1040
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_CLASSES: Final[Mapping[Standing, str]] = {
    Standing.PASSES: "passes",
    Standing.FAILS: "fails",
    Standing.UNCLEAR: "unclear",
}
_SIGNS: Final[Mapping[Standing, str]] = {
    Standing.PASSES: "✓ passes",
    Standing.FAILS: "✗ fails",
    Standing.UNCLEAR: "? cannot tell",
}
_OUT: Final[Mapping[Purpose, str]] = {Purpose.STOP: "stop", Purpose.TAKE_PROFIT: "profit"}
_SHADE_FULL_PCT: Final = 10.0  # a month of so much is shown in full colour
_FILLS_IN_FULL_SIZE: Final = 100
_FILLS_LAST: Final = 40
_BARS_BEFORE: Final = 24
_SIZE_MIN: Final = 0.4
_NOTHING: Final = "<p class='soft'>nothing to show</p>"


def page(report: Report) -> str:
    """The whole page."""
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(report.title),
        subtitle=escape(report.subtitle),
        standing=_overall(report.checks),
        conclusion=escape(conclusion(report.checks)),
        tiles="".join(_tile(row) for row in report.rows()),
        equity=_equity(report),
        drawdown=_drawdown(report),
        checks=_checks(report.checks),
        months=_months(report.monthly),
        distribution=_distribution(report),
        prices="".join(_prices(report)),
    )


def _overall(checks: Sequence[Check]) -> str:
    standings = {check.standing for check in checks}
    for standing in (Standing.FAILS, Standing.UNCLEAR, Standing.PASSES):
        if standing in standings:
            return _CLASSES[standing]
    return ""


def _tile(row: Row) -> str:
    note = f"<br>{escape(row.note)}" if row.note else ""
    name, value = escape(row.name), escape(row.value)
    return f'<div class="tile"><b>{value}</b><span>{name}{note}</span></div>'


def _equity(report: Report) -> str:
    times, own = report.examined.result.equity
    if not times:
        return _NOTHING
    held = report.held.quote
    frame = framed(times, [own, held], _WIDTH, 320)
    curves = line(frame, times, held, "held"), line(frame, times, own, "own")
    return chart(frame, "equity", _axes(frame, "{:,.6g}"), *curves)


def _drawdown(report: Report) -> str:
    times, own = report.examined.result.equity
    if not times:
        return _NOTHING
    falls, market_falls = _fallen(own), _fallen(report.held.quote)
    frame = framed(times, [falls, market_falls, [0.0]], _WIDTH, 180)
    curves = area(frame, times, falls, "own"), line(frame, times, market_falls, "held")
    return chart(frame, "drawdown", _axes(frame, "{:.6g} %", about=4), *curves)


def _fallen(curve: Sequence[float]) -> list[float]:
    """How far below its peak each value is, per cent, not above 0."""
    peak, found = 0.0, []
    for value in curve:
        peak = max(peak, value)
        found.append(100 * (value / peak - 1) if peak else 0.0)
    return found


def _axes(frame: Frame, form: str, about: int = 6) -> str:
    across = [(at_ms, day(at_ms)) for at_ms in _moments(int(frame.x_low), int(frame.x_high))]
    up = [(value, form.format(value)) for value in ticks(frame.y_low, frame.y_high, about)]
    return axes(frame, across, up)


def _moments(low_ms: int, high_ms: int) -> list[int]:
    """About eight moments to name on the time axis: firsts of months, or else days."""
    first, last = (datetime.fromtimestamp(at_ms / 1_000, UTC) for at_ms in (low_ms, high_ms))
    months = (last.year - first.year) * 12 + last.month - first.month
    if months < 3:  # noqa: PLR2004 - too few firsts of months to name
        step_ms = max(math.ceil((high_ms - low_ms) / 8 / 86_400_000), 1) * 86_400_000
        return list(range(low_ms - low_ms % 86_400_000 + step_ms, high_ms, step_ms))
    step = max(math.ceil(months / 8), 1)
    numbers = range(first.year * 12 + first.month, last.year * 12 + last.month, step)
    found = (datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in numbers)
    return [int(moment.timestamp()) * 1_000 for moment in found]


def _checks(checks: Sequence[Check]) -> str:
    if not checks:
        return "<p class='soft'>Nothing was checked.</p>"
    rows = (
        f'<tr><td class="mark {_CLASSES[check.standing]}">{_SIGNS[check.standing]}</td>'
        f"<td><b>{escape(check.name)}</b><br>{escape(check.sentence)}</td></tr>"
        for check in checks
    )
    return f"<table>{''.join(rows)}</table>"


def _months(monthly: Mapping[str, float]) -> str:
    years = sorted({name[:4] for name in monthly})
    head = "".join(f"<th>{name}</th>" for name in (*_MONTHS.split(), "year"))
    rows = []
    for year in years:
        values = [monthly.get(f"{year}-{number:02d}") for number in range(1, 13)]
        whole = math.prod(1 + (value or 0.0) / 100 for value in values)
        cells = "".join(_month(value) for value in (*values, 100 * (whole - 1)))
        rows.append(f"<tr><th>{year}</th>{cells}</tr>")
    return f'<table class="months"><tr><th></th>{head}</tr>{"".join(rows)}</table>'


def _month(value: float | None) -> str:
    if value is None:
        return "<td></td>"
    colour = "--good" if value > 0 else "--bad"
    share = min(abs(value) / _SHADE_FULL_PCT, 1.0) * 45
    style = f"background:color-mix(in srgb,var({colour}) {share:.0f}%,transparent)"
    return f'<td style="{style}">{value:+.1f}</td>'


def _distribution(report: Report) -> str:
    """How many trades ended with which result; the outermost columns hold all beyond."""
    results = [one.profit_pct for one in report.examined.result.trades if one.exited_ms]
    if not results:
        return _NOTHING
    ordered = sorted(results)
    low, high = ordered[len(ordered) // 100], ordered[-1 - len(ordered) // 100]
    widths = ticks(0, max(high - low, 0.4), 40)
    width = widths[1] - widths[0]
    first, last = math.floor(low / width), math.ceil(high / width)
    counts = dict.fromkeys(range(first, last + 1), 0)
    for result in results:
        counts[min(max(math.floor(result / width), first), last)] += 1
    frame = Frame(_WIDTH, 220, first * width, (last + 1) * width, 0, max(counts.values()) * 1.05)
    columns = (
        column(frame, n * width, (n + 1) * width, count, "win" if n >= 0 else "loss")
        for n, count in counts.items()
        if count
    )
    across = [(value, f"{value:g} %") for value in ticks(frame.x_low, frame.x_high, 10)]
    up = [(value, f"{value:g}") for value in ticks(0, frame.y_high, 4)]
    return chart(frame, "distribution of trades", axes(frame, across, up), *columns)


def _prices(report: Report) -> Iterator[str]:
    """A picture a symbol, the first one open."""
    fills = report.examined.result.fills
    for number, market in enumerate(report.examined.markets):
        mine = [fill for fill in fills if fill.symbol == market.symbol]
        opened = " open" if number == 0 else ""
        head = f"<summary>{escape(str(market.symbol))}, {len(mine):,} fills</summary>"
        yield f"<details{opened}>{head}{_price(market, mine)}</details>"


def _price(market: Market, fills: Sequence[Fill]) -> str:
    """All of it, and where that is too dense to be read, the last fills once more."""
    if not market.bars:
        return _NOTHING
    whole = _stretch(market, fills, 0)
    if len(fills) <= _FILLS_IN_FULL_SIZE:
        return whole
    last = fills[-_FILLS_LAST:]
    begin = max(bisect_right(market.opened_ms, last[0].at_ms) - _BARS_BEFORE, 0)
    return (
        f"{whole}<p class='soft'>The last {_FILLS_LAST} fills:</p>{_stretch(market, last, begin)}"
    )


def _stretch(market: Market, fills: Sequence[Fill], begin: int) -> str:
    """The closes from bar `begin` on, with the fills."""
    times, closes = market.opened_ms[begin:], market.closes[begin:]
    frame = framed(times, [closes], _WIDTH, 320)
    size = max(_FILLS_IN_FULL_SIZE / max(len(fills), _FILLS_IN_FULL_SIZE), _SIZE_MIN)
    marks = (mark(frame, f.at_ms, float(f.price), size, _style(f), _told(f)) for f in fills)
    price = line(frame, times, closes, "price")
    return chart(frame, f"price of {market.symbol}", _axes(frame, "{:,.6g}"), price, *marks)


def _style(fill: Fill) -> str:
    return "entry" if fill.side is Side.BUY else _OUT.get(fill.purpose, "exit")


def _told(fill: Fill) -> str:
    why = "; ".join(fill.reasons)
    return f"{day_and_minute(fill.at_ms)} {fill.side} at {float(fill.price):,.6g}: {why}"
