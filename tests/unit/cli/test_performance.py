"""cab-perf on books that traded: the figures, the period, the lots, and what it refuses."""

import csv
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builders import NOON_MS
from crypto_ai_bot.cli.performance import _parser, show
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import DAY_MS
from crypto_ai_bot.storage.actions import Put
from crypto_ai_bot.storage.conditions import Present
from crypto_ai_bot.storage.memory import MemoryTable
from traded_books import TradedBooks


@pytest.fixture(scope="module")
def books() -> TradedBooks:
    return TradedBooks().traded()


def told(books: TradedBooks, *arguments: str, now_ms: int = 0) -> int:
    options = _parser().parse_args([*arguments])
    return show(options, books.table, "paper", now_ms or books.books.clock.at_ms)


def report(books: TradedBooks, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert told(books, "--json", *arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_the_result_is_that_of_the_account(
    books: TradedBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    account = books.books.store.glance().account
    found = report(books, capsys)
    assert Decimal(found["realised_quote"]) == account.realised_quote
    assert found["trades"] == 4
    assert found["wins"] == 1
    assert found["win_rate"] == 0.25
    btc = found["symbols"]["BTC/USDT"]
    assert (btc["buys"], btc["sells"]) == (3, 2)
    assert Decimal(btc["held_base"]) == books.books.ledger.position.base


def test_the_fees_are_in_the_result_and_shown(
    books: TradedBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    """ETH was bought and sold at one price, so what it lost is what the closed trades paid."""
    eth = report(books, capsys)["symbols"]["ETH/USDT"]
    open_fee = Decimal("0.2")  # of the last purchase, which is still held
    assert -Decimal(eth["realised_quote"]) == Decimal(eth["fees_quote"]) - open_fee


def test_a_person_gets_a_table_and_the_figures(
    books: TradedBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(books) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "paper, 2023-03-09 00:00 to 2023-03-09 12:10 UTC"
    assert " ".join(lines[2].split()) == "symbol buys sells turnover fees realised held at cost"
    assert "4, 1 won (25 %), profit factor 1.28" in "\n".join(lines)


def test_a_period_without_a_sale_still_shows_what_is_held(
    books: TradedBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(books, now_ms=NOON_MS + DAY_MS) == 0
    shown = capsys.readouterr().out
    assert "nothing was sold in this period" in shown
    assert "0.004868722" in shown


def test_the_period_reaches_back_by_days_or_from_a_day(
    books: TradedBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    for period in (("--days", "2"), ("--from", "2023-03-09")):
        assert told(books, "--json", *period, now_ms=NOON_MS + DAY_MS) == 0
        assert json.loads(capsys.readouterr().out)["trades"] == 4


def test_what_was_bought_before_the_period_counts_with_its_cost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    books = TradedBooks()
    books.enter("20000")
    books.books.clock.at_ms += DAY_MS
    books.leave("21000")
    found = report(books, capsys)
    assert found["symbols"]["BTC/USDT"]["buys"] == 0
    assert 4 < float(found["best_quote"]) < 5


def test_the_lots_file_adds_up_to_the_result(
    books: TradedBooks, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lots.csv"
    found = report(books, capsys, "--lots", str(path))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(Decimal(row["profit"]) for row in rows) == Decimal(found["realised_quote"])
    assert {row["coin"] for row in rows} == {"BTC", "ETH"}
    assert rows[0]["acquired_utc"] == "2023-03-09T12:02:00Z"
    assert all(
        Decimal(row["proceeds"]) - Decimal(row["cost"]) == Decimal(row["profit"]) for row in rows
    )


def test_lots_that_cannot_be_written_leave_nothing_behind(
    books: TradedBooks, tmp_path: Path
) -> None:
    with pytest.raises(BadSetting, match="cannot be written"):
        told(books, "--lots", str(tmp_path / "no" / "lots.csv"))
    assert list(tmp_path.iterdir()) == []


def test_the_result_is_drawn(books: TradedBooks, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(books, "--plot") == 0
    shown = capsys.readouterr().out
    assert "realised result after each sale" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--days", "0"], "--days 0: must be at least 1"),
        (["--from", "yesterday"], "--from yesterday: must be a day like 2026-01-31"),
        (["--from", "2023-02-30"], "must be a day"),
        (["--from", "2024-01-01"], "--from 2024-01-01: is not yet"),
    ],
)
def test_a_period_that_is_none_is_refused(
    books: TradedBooks, arguments: list[str], why: str
) -> None:
    with pytest.raises(BadSetting, match=why):
        told(books, *arguments)


def test_an_account_that_never_traded_says_so() -> None:
    with pytest.raises(BadSetting, match="nothing was traded yet: the paper account has no fill"):
        told(TradedBooks(MemoryTable()))


def test_fees_in_another_coin_are_shown_and_not_in_the_result(
    capsys: pytest.CaptureFixture[str],
) -> None:
    books = TradedBooks().traded()
    fill = next(item for item in books.items("fill") if item["side"] == "sell")
    before = report(books, capsys)["realised_quote"]
    paid = {**fill, "traded": {**fill["traded"], "fee_other": {"GT": "0.25"}}}
    books.table.write([Put(paid, Present())])
    found = report(books, capsys)
    assert found["fees_other"] == {"GT": "0.25"}
    assert found["realised_quote"] == before
    assert told(books) == 0
    assert "also paid   0.25 GT in fees, not in the result" in capsys.readouterr().out


def test_drawing_without_its_library_says_how_to_get_it(
    books: TradedBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotext", None)
    with pytest.raises(BadSetting, match=r"needs plotext: pip install 'crypto-ai-bot\[reports\]'"):
        told(books, "--plot")
