"""The report in the terminal, as JSON, as CSV and as a page that needs nothing but itself."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from crypto_ai_bot.backtest.honesty import Examined, examine
from crypto_ai_bot.backtest.market import Market
from crypto_ai_bot.backtest.page import page
from crypto_ai_bot.backtest.report import Report
from crypto_ai_bot.backtest.svg import framed, thinned, ticks
from crypto_ai_bot.backtest.trade_file import trades_csv
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.strategies.base import Strategy
from small_backtest import TERMS, Averages, Rhythm, market_of, noise, run


def report_of(markets: Sequence[Market], strategy: Strategy) -> Report:
    result = run(markets, strategy, TERMS)
    one = Examined(markets, strategy, TERMS, result, run)
    held = one.held
    return Report("averages", {"fast": 5}, one, held, examine(one, held))


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of([noise(3_000, 1), replace(noise(2_500, 2), symbol=ETH)], Averages())


ETH = market_of([1.0], "ETH").symbol


def test_a_person_reads_figures_checks_and_what_they_come_to(report: Report) -> None:
    lines = report.lines()
    assert lines[0] == "averages fast=5"
    assert any(line.startswith("result") and line.endswith("at the end") for line in lines)
    assert any(line.startswith("look-ahead       passes") for line in lines)
    assert lines[-1].startswith("Do not trade on this")
    assert max(map(len, lines)) <= 130


def test_the_json_is_strict_json_with_the_same_figures(report: Report) -> None:
    found = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert found["made_pct"] == report.made_pct
    assert found["trades"] == len([one for one in report.examined.result.trades if one.exited_ms])
    assert found["checks"][0]["name"] == "look-ahead"
    assert found["conclusion"] == report.lines()[-1]


def test_the_months_compound_to_the_result(report: Report) -> None:
    whole = 1.0
    for change in report.monthly.values():
        whole *= 1 + change / 100
    assert 100 * (whole - 1) == pytest.approx(report.made_pct)
    assert next(iter(report.monthly)) == "2022-01"


def test_time_in_the_market_is_a_share_of_all_symbols(report: Report) -> None:
    assert 40 < report.in_market_pct < 60
    assert report_of([noise(100, 1)], Rhythm()).in_market_pct == pytest.approx(50, abs=5)


def test_the_trades_are_lines_of_csv(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(trades_csv(report.examined.result.trades))))
    trades = report.examined.result.trades
    assert len(rows) == len(trades)
    assert sum(float(row["profit_quote"]) for row in rows) == pytest.approx(
        sum(one.profit_quote for one in trades)
    )
    assert {row["symbol"] for row in rows} == {"BTC/USDT", "ETH/USDT"}
    assert rows[-1]["exited_utc"] == "" or rows[-1]["exited_utc"].startswith("2022-")


class Page(HTMLParser):
    """The tags of a page and their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def count(self, tag: str, css: str) -> int:
        return sum(1 for name, has in self.tags if name == tag and has.get("class") == css)


def test_the_page_loads_nothing_and_runs_nothing(report: Report) -> None:
    html = page(report)
    found = Page(html)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base"}
    for _, has in found.tags:
        assert not any(name.startswith("on") for name in has)
        assert not has.get("src")
        assert (has.get("href") or "#").startswith("#")
    assert "url(" not in html
    assert "@import" not in html
    assert "http" not in html


def test_the_page_shows_each_fill_at_its_symbol(report: Report) -> None:
    found = Page(page(report))
    fills = [*report.examined.result.fills]
    for symbol in {fill.symbol for fill in fills}:
        fills += [fill for fill in report.examined.result.fills if fill.symbol == symbol][-40:]
    bought = sum(1 for fill in fills if fill.side == "buy")
    assert found.count("use", "entry") == bought + 1  # and the one that explains it
    assert found.count("use", "exit") == len(fills) - bought + 1
    assert sum(1 for tag, _ in found.tags if tag == "details") == 2


def test_stops_and_steps_have_marks_of_their_own() -> None:
    whole = report_of([noise(1_000, 1)], Averages())
    rows = list(whole.examined.result.rows)
    for number, purpose in ((1, Purpose.STOP), (3, Purpose.TAKE_PROFIT)):
        rows[number] = (*rows[number][:3], purpose, *rows[number][4:])
    result = replace(whole.examined.result, rows=rows)
    found = Page(page(replace(whole, examined=replace(whole.examined, result=result))))
    assert found.count("use", "stop") == 2
    assert found.count("use", "profit") == 2


def test_the_page_is_whole_and_its_pictures_are_xml(report: Report) -> None:
    html = page(report)
    assert "$" not in html
    pictures = re.findall(r"<svg .*?</svg>", html, re.DOTALL)
    assert len(pictures) == 1 + 3 + 4 + 4  # symbols, charts, keys, prices and their ends
    for picture in pictures:
        ET.fromstring(picture)  # noqa: S314 - our own
        assert "nan" not in picture
        assert "inf" not in picture


def test_every_check_is_on_the_page_in_its_own_words(report: Report) -> None:
    html = page(report)
    for check in report.checks:
        assert check.name in html
        assert check.sentence.split(":")[0].split("'")[0][:40] in html


def test_a_text_cannot_break_out_of_the_page() -> None:
    whole = report_of([noise(800, 1)], Averages())
    html = page(replace(whole, name="<script>alert(1)</script>"))
    assert "<script>" not in html


@pytest.mark.parametrize("bars", [1, 2, 50])
def test_a_backtest_without_a_trade_has_a_page_too(bars: int) -> None:
    report = report_of([market_of([100.0] * bars)], Averages())
    assert "nothing to show" in page(report)
    assert report.lines()
    json.dumps(report.as_json(), allow_nan=False)


def test_a_thinned_curve_keeps_its_extremes_and_its_ends() -> None:
    ys = [float(n % 997) for n in range(50_000)]
    ys[31_234], ys[7] = 5_000.0, -9.0
    kept = thinned(range(50_000), ys)
    assert len(kept) < 1_500
    assert (31_234, 5_000.0) in kept
    assert (7, -9.0) in kept
    assert kept[-1][0] == 49_999
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)


def test_a_frame_maps_its_corners_into_the_picture() -> None:
    frame = framed([0, 10], [[0.0, 100.0]], 1040, 320)
    assert 0 < frame.x(0) < frame.x(10) < 1040
    assert 0 < frame.y(100) < frame.y(0) < 320
    flat = framed([5, 5], [[7.0, 7.0]], 1040, 320)
    assert 0 < flat.y(7.0) < 320


def test_ticks_are_round_and_within() -> None:
    assert ticks(0, 100, 5) == [0, 20, 40, 60, 80, 100]
    assert ticks(-0.07, 0.13, 4) == pytest.approx([-0.05, 0, 0.05, 0.1])
    assert ticks(3, 3, 5) == [3]
