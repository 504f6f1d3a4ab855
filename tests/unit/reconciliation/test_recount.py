"""Books counted anew from their fills: whole ones agree, and every tampering shows."""

from dataclasses import replace
from typing import Any, cast

import pytest

from books import Books
from builders import BTC, dec, quote, report
from crypto_ai_bot.brokers.paper import PaperBroker, PaperTerms
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.history import replayed
from crypto_ai_bot.domain.market import DAY_MS
from crypto_ai_bot.domain.order import OrderState, Side
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.reconciliation.recount import Journal, differences
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.snapshot import journals, snapshot
from crypto_ai_bot.storage.store import TableStore
from simulation.world import World
from traded_books import TradedBooks

BUY_BTC = (BTC, Side.BUY)


@pytest.fixture
def journal() -> Journal:
    return journals(snapshot(TradedBooks().traded().table))["paper"]


def found(journal: Journal, **changes: Any) -> set[str]:
    return {one.what for one in differences(replace(journal, **changes))}


def with_ledger(journal: Journal, **changes: Any) -> dict[str, Any]:
    ledger = replace(journal.ledgers[BTC], **changes)
    return {"ledgers": {**journal.ledgers, BTC: ledger}}


def with_order(journal: Journal, **changes: Any) -> dict[str, Any]:
    name, order = next(iter(journal.orders.items()))
    return {"orders": {**journal.orders, name: replace(order, **changes)}}


def test_books_that_traded_add_up(journal: Journal) -> None:
    assert differences(journal) == []
    assert len(journal.fills) == 10


def test_empty_books_add_up() -> None:
    assert differences(Journal(Account(), {}, {}, ())) == []


def test_a_position_that_no_fill_made_shows(journal: Journal) -> None:
    lots = journal.ledgers[BTC].position.lots
    more = replace(journal.ledgers[BTC].position, lots=(*lots, replace(lots[0], base=dec(1))))
    whats = found(journal, **with_ledger(journal, position=more))
    assert whats == {"position", "cost", "lots", "committed"}


def test_lots_in_another_order_show(journal: Journal) -> None:
    position = journal.ledgers[BTC].position
    assert len(position.lots) > 1, "the dust of a round trip lies before the last lot"
    turned = replace(position, lots=position.lots[::-1])
    assert found(journal, **with_ledger(journal, position=turned)) == {"lots"}


def test_a_fill_that_is_gone_shows(journal: Journal) -> None:
    whats = found(journal, fills=journal.history[:-1])
    assert {"totals", "number of fills", "fills"} <= whats


def test_a_fill_that_counts_twice_shows(journal: Journal) -> None:
    again = replace(journal.fills[0], fill_id=f"{journal.fills[0].client_order_id}:2")
    assert {"totals", "number of fills"} <= found(journal, fills=(*journal.fills, again))


def test_fills_that_sell_more_than_they_bought_are_told_of(journal: Journal) -> None:
    sells = [fill for fill in journal.history if fill.side == "sell"]
    told = differences(replace(journal, fills=tuple(sells)))
    assert any(one.what == "position" and "sells" in one.recounted for one in told)


def test_a_fill_without_its_order_shows(journal: Journal) -> None:
    name, *_ = journal.orders
    orders = {key: order for key, order in journal.orders.items() if key != name}
    told = differences(replace(journal, orders=orders))
    assert [(one.subject, one.what) for one in told] == [(name, "order")]


def test_an_order_that_came_to_nothing_and_traded_shows(journal: Journal) -> None:
    assert found(journal, **with_order(journal, state=OrderState.REJECTED)) == {"state"}


def test_an_open_order_that_no_ledger_knows_shows(journal: Journal) -> None:
    assert found(journal, **with_order(journal, state=OrderState.UNKNOWN)) == {"state"}


def test_a_ledger_with_a_settled_order_under_way_shows(journal: Journal) -> None:
    order = next(
        o for o in journal.orders.values() if (o.request.symbol, o.request.side) == BUY_BTC
    )
    ledger = journal.ledgers[BTC].with_pending(order)
    whats = found(journal, ledgers={**journal.ledgers, BTC: ledger})
    assert whats == {"under way", "committed"}
    gone = {"orders": {k: v for k, v in journal.orders.items() if v != order}}
    assert "under way" in found(journal, ledgers={**journal.ledgers, BTC: ledger}, **gone)


def test_stops_of_a_position_that_is_none_show(journal: Journal) -> None:
    eth_free = tuple(fill for fill in journal.fills if fill.symbol != BTC)
    assert "stops" in found(journal, fills=eth_free)


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"realised_quote": dec(5)}, "realised"), ({"fills": 9}, "fills")],
    ids=["result", "count"],
)
def test_a_day_that_its_fills_did_not_make_shows(
    journal: Journal, changes: dict[str, Any], what: str
) -> None:
    assert found(journal, account=replace(journal.account, **changes)) == {what}


def test_a_fill_of_last_night_may_count_in_the_day_that_settled_it(journal: Journal) -> None:
    """The exchange dates the fill before midnight, the books moved after it."""
    day_ms = journal.account.day_ms + DAY_MS
    orders = {
        name: replace(order, updated_ms=day_ms + index)
        for index, (name, order) in enumerate(journal.orders.items())
    }
    last = max(orders, key=lambda name: orders[name].updated_ms)
    realised_quote = {
        step.fill.client_order_id: step.realised_quote for step in replayed(journal.history)
    }
    today = replace(journal.account, day_ms=day_ms)
    one = replace(today, fills=1, realised_quote=realised_quote[last])
    assert found(journal, account=one, orders=orders) == set()
    none = replace(today, fills=0, realised_quote=dec(0))
    assert found(journal, account=none, orders=orders) == set()
    wrong = replace(today, fills=2, realised_quote=dec(77))
    assert "realised" in found(journal, account=wrong, orders=orders)


def test_quote_committed_for_nothing_shows(journal: Journal) -> None:
    account = replace(journal.account, committed_quote={"LTC/USDT": dec(5)})
    told = differences(replace(journal, account=account))
    assert {one.subject for one in told} == {"BTC/USDT", "ETH/USDT", "LTC/USDT"}


def test_a_paper_exchange_that_tells_otherwise_shows(journal: Journal) -> None:
    order = next(iter(journal.orders.values()))
    assert found(journal, paper_account=PaperAccount(orders=3)) == {"orders"}
    said = PaperOrder(report(order, "9", "9"), 0)
    assert found(journal, paper_account=PaperAccount(orders=1), paper_orders=(said,)) == {
        "at paper"
    }


@pytest.mark.parametrize("seed", range(4))
def test_books_add_up_after_a_day_of_trouble(seed: int) -> None:
    """Killed and frozen runs, lost answers, orders that rise again, fees in GT: still whole."""
    world = World(seed, slots=100)
    world.run()
    for deployment in world.deployments:
        for journal in journals(snapshot(deployment.table)).values():
            assert differences(journal) == []


def test_the_paper_exchange_agrees_with_the_books_that_traded_on_it() -> None:
    table = MemoryTable()
    books = Books(store=TableStore(table, "paper"))
    feed = books.broker
    terms = PaperTerms(dec(10_000), dec("0.05"))
    books.broker = cast("Any", PaperBroker(feed, books.store, books.clock, terms))
    for price, action in (("20000", Action.ENTER), ("21000", Action.EXIT)) * 2:
        feed.quotes[BTC] = quote(price, price)
        books.next_minute(2)
        books.evaluate(action)
    found = journals(snapshot(table))["paper"]
    assert len(found.paper_orders) == len(found.fills) == 4
    assert differences(found) == []
    fewer = replace(found, paper_orders=found.paper_orders[1:])
    assert [one.what for one in differences(fewer)] == ["orders"]
