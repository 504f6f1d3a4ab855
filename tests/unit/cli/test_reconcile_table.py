"""What cab-reconcile shows a person: amounts, and for each difference what it rests on."""

import pytest

from books import Books
from builders import BTC
from crypto_ai_bot.cli.reconcile import _parser, act
from crypto_ai_bot.domain.signal import Action
from fakes import Fault


def shown(books: Books, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    options = _parser().parse_args([])
    return act(options, books.desk), capsys.readouterr().out.splitlines()


def test_books_that_agree_are_one_row_and_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    books = Books()
    books.enter()
    code, lines = shown(books, capsys)
    assert code == 0
    assert lines[0].split() == ["symbol", "ledger", "not", "ours", "exchange"]
    assert lines[1].split()[-1] == "agrees"
    assert len(lines) == 2


def test_each_difference_tells_what_it_rests_on_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    books = Books()
    books.enter()
    books.broker.balances["BTC"] -= books.ledger.position.base / 2
    books.next_minute(5)
    books.reconcile()
    books.broker.faults = [Fault.LOST_AFTER]
    books.evaluate(Action.EXIT)
    code, lines = shown(books, capsys)
    table = "\n".join(lines)
    assert code == 1
    assert lines[1].split()[-1] == "LOOK"
    assert "books: ledger " in table
    assert f"once it agrees, cab-reconcile release {BTC} --reason" in table


def test_an_order_under_way_rests_on_the_journal(capsys: pytest.CaptureFixture[str]) -> None:
    books = Books()
    books.broker.faults = [Fault.LOST_BEFORE]
    books.enter()
    code, lines = shown(books, capsys)
    assert code == 1
    (row,) = [line for line in lines if "books: journal" in line]
    assert "is unknown" in row
    assert row.endswith("settle it with cab-reconcile resolve")


def test_books_that_nothing_was_written_to_are_said_to_be_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, lines = shown(Books(), capsys)
    assert code == 1
    assert lines == [
        "the books are empty, no job ever ran on this table: there is nothing to compare"
    ]
