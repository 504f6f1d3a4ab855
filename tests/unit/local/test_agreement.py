"""Books against the exchange's own: whatever is off by a digit or an order is told."""

from dataclasses import replace
from typing import Any

import pytest

from builders import BTC, dec
from crypto_ai_bot.domain.exchange_stop import ExchangeStop, StopTerms
from crypto_ai_bot.domain.ledger import Halt, Ledger
from crypto_ai_bot.domain.order import (
    Fill,
    Order,
    OrderRequest,
    OrderState,
    Purpose,
    Side,
    Totals,
)
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.local.agreement import Books, agreement_of

NAME = "t-live-abc"
FUNDS = {"USDT": dec(10_000)}
TRADED = Totals(dec("0.005"), dec(100), fee_base=dec("0.00001"))
ROW = {
    "id": "7",
    "text": NAME,
    "status": "closed",
    "finish_as": "filled",
    "currency_pair": "BTC_USDT",
    "side": "buy",
    "filled_amount": "0.005",
    "filled_total": "100",
    "fee": "0.00001",
    "fee_currency": "BTC",
    "update_time_ms": 1,
}


def order(**changes: Any) -> Order:
    request = OrderRequest(BTC, Side.BUY, Purpose.ENTRY, 0, dec(100), dec(20_000), "a test")
    made = Order(NAME, request, 1, OrderState.CLOSED, 0, 0, 1, "", totals=TRADED)
    return replace(made, **changes)


def books(**changes: Any) -> Books:
    held = Ledger(BTC, Position((Lot(NAME, dec("0.00499"), dec(100), 0),)))
    fill = Fill(f"{NAME}:1", NAME, BTC, Side.BUY, TRADED, 1)
    return replace(Books((held,), (order(),), (fill,)), **changes)


def account(
    *rows: dict[str, Any], base: str = "0.00499", quote: str = "9900", locked: str = "0"
) -> dict[str, Any]:
    return {
        "orders": list(rows),
        "balances": {
            "BTC": {"available": base, "locked": locked},
            "USDT": {"available": quote, "locked": "0"},
        },
    }


def test_books_that_agree_say_so_in_one_line() -> None:
    found = agreement_of(books(), account(ROW), FUNDS, {"kills": 3})
    assert found.disagreements == ()
    assert str(found) == (
        "books     agree with the exchange to the last digit: 1 orders (1 traded, 0 came to "
        "nothing), BTC 0.00499, USDT 9900, 3 kills"
    )


def test_what_an_open_order_holds_is_held() -> None:
    moved = account(ROW, base="0.00399", locked="0.001")
    assert agreement_of(books(), moved, FUNDS).disagreements == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (books(), account(ROW, base="0.00499001"), "BTC: 0.00499001 at the exchange, 0.00499"),
        (books(), account(ROW, quote="9899.99999999"), "USDT: 9899.99999999 at the exchange"),
        (books(), account(ROW, {**ROW, "id": "8"}), f"{NAME} is closed, for 2 at the exchange"),
        (books(), account(), f"{NAME} is closed, for 0 at the exchange"),
        (books(orders=()), account(ROW), f"{NAME} stands at the exchange and in no journal"),
        (
            books(orders=(order(state=OrderState.UNKNOWN),)),
            account(ROW),
            f"{NAME} is unknown, for 1 at the exchange",
        ),
        (
            books(orders=(order(state=OrderState.NOT_PLACED),)),
            account(ROW),
            f"{NAME} is not_placed, for 1 at the exchange",
        ),
        (books(), account({**ROW, "fee": "0.00002"}), f"order {NAME} traded"),
        (books(fills=()), account(ROW), "its 0 fills do not add up"),
        (
            books(ledgers=(replace(books().ledgers[0], halt=Halt("lost", 0)),)),
            account(ROW),
            "BTC/USDT is halted: lost",
        ),
    ],
)
def test_what_does_not_agree_is_told(ours: Books, theirs: dict[str, Any], told: str) -> None:
    found = agreement_of(ours, theirs, FUNDS)
    assert any(told in line for line in found.disagreements), found
    assert "DO NOT AGREE" in str(found)


def test_the_order_of_a_stop_that_fired_is_known_by_the_exchange_id() -> None:
    fired = replace(order(), client_order_id="stop-7")
    fill = replace(books().fills[0], client_order_id="stop-7")
    ours = books(orders=(fired,), fills=(fill,))
    assert agreement_of(ours, account({**ROW, "text": "apiv4"}), FUNDS).disagreements == ()


def test_a_stop_rests_in_the_books_and_at_the_exchange_or_in_neither() -> None:
    stop = ExchangeStop(StopTerms(dec(1), dec(1), dec(1)), 0, 0, 0, 0, stop_ids=("9",))
    ours = books(ledgers=(replace(books().ledgers[0], exchange_stop=stop),))
    rests = {**account(ROW), "price_orders": [{"id": 9, "status": "open"}]}
    gone = {**account(ROW), "price_orders": [{"id": 9, "status": "cancelled"}]}
    assert agreement_of(ours, rests, FUNDS).disagreements == ()
    assert agreement_of(books(), gone, FUNDS).disagreements == ()
    (line,) = agreement_of(ours, gone, FUNDS).disagreements
    assert line == "stop 9 stands in the ledger and does not rest at the exchange"
    (line,) = agreement_of(books(), rests, FUNDS).disagreements
    assert line == "stop 9 rests at the exchange and in no ledger"


def test_an_order_that_came_to_nothing_is_nowhere_at_the_exchange() -> None:
    nothing = order(state=OrderState.REJECTED, totals=Totals())
    ours = Books((Ledger(BTC),), (nothing,))
    assert agreement_of(ours, account(base="0", quote="10000"), FUNDS).disagreements == ()
