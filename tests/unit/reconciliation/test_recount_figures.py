"""Each difference names whose it is and both figures, as cab-maintenance integrity prints them.

Mutants showed the need.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from builders import BTC, ETH, NOON_MS, buy_request, dec, fill, order, report, sell_request
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import DAY_MS
from crypto_ai_bot.domain.order import Fill, Order, OrderState, Side, Totals
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.domain.stop import Guard
from crypto_ai_bot.reconciliation.recount import Journal, differences

TODAY_MS = NOON_MS - NOON_MS % DAY_MS
TODAY = f"day {TODAY_MS}"
NAME = "t-paper-abc"
BOUGHT = fill(Side.BUY, "0.005", "100", fee_base=dec("0.00001"))
LOT = Lot(NAME, dec("0.00499"), dec(100), NOON_MS)
ORDER = order(state=OrderState.CLOSED, totals=BOUGHT.traded, fills=1, updated_ms=NOON_MS)
LEDGER = Ledger(BTC, position=Position((LOT,)))
ACCOUNT = Account(day_ms=TODAY_MS, fills=1, committed_quote={"BTC/USDT": dec(100)})
WHOLE = Journal(ACCOUNT, {BTC: LEDGER}, {NAME: ORDER}, (BOUGHT,))
GUARD = Guard(NOON_MS, 20_000.0, 20_100.0, dec("0.00499"), 0.0, 20_000.0, 19_000.0)
AMOUNTS = "0.005 for 100, fees 0.00001 / 0"


def told(**changes: Any) -> list[tuple[str, ...]]:
    return [tuple(one) for one in differences(replace(WHOLE, **changes))]


def of_order(**changes: Any) -> list[tuple[str, ...]]:
    return told(orders={NAME: replace(ORDER, **changes)})


def of_btc(*lots: Lot, **changes: Any) -> list[tuple[str, ...]]:
    """What is told when the ledger of BTC holds these lots, and the account knows their cost."""
    ledger = replace(LEDGER, position=Position(lots or (LOT,)), **changes)
    committed = {"BTC/USDT": ledger.position.cost_quote}
    return told(ledgers={BTC: ledger}, account=replace(ACCOUNT, committed_quote=committed))


def of_account(**changes: Any) -> list[tuple[str, ...]]:
    return told(account=replace(ACCOUNT, **changes))


def at(one: Fill, at_ms: int, **changes: Any) -> Fill:
    return replace(one, at_ms=at_ms, **changes)


def paid_in_gt(one: Totals, amount: str) -> Totals:
    return replace(one, fee_other={"GT": Decimal(amount)})


def test_one_purchase_written_by_hand_adds_up() -> None:
    assert told() == []


def test_an_order_that_says_otherwise_than_its_fills_is_named_with_both_amounts() -> None:
    more = replace(BOUGHT.traded, base=dec("0.006"))
    amounts = (NAME, "totals", "0.006 for 100, fees 0.00001 / 0", AMOUNTS)
    assert of_order(totals=more) == [amounts]
    assert of_order(fills=2) == [(NAME, "number of fills", "2", "1")]
    assert of_order(state=OrderState.NOT_PLACED) == [
        (NAME, "state", "not_placed", "1 fills: it traded")
    ]
    assert told(orders={}) == [(NAME, "order", "not in the journal", "1 fills are its own")]


def test_a_fee_in_another_coin_belongs_to_the_totals_of_an_order() -> None:
    (row,) = of_order(totals=paid_in_gt(BOUGHT.traded, "0.25"))
    assert row == (NAME, "totals", f"{AMOUNTS} / 0.25 GT", AMOUNTS)


def test_fees_in_another_coin_add_up_over_fills_of_which_some_paid_none() -> None:
    """The first part paid in the coin bought, the second in GT."""
    second = fill(Side.BUY, "0.001", "20")
    second = replace(second, fill_id=f"{NAME}:2", traded=paid_in_gt(second.traded, "0.25"))
    totals = Totals(dec("0.006"), dec(120), dec("0.00001"), dec(0), {"GT": dec("0.25")})
    lot = replace(LOT, base=dec("0.00599"), cost_quote=dec(120))
    changes = {
        "account": replace(ACCOUNT, fills=2, committed_quote={"BTC/USDT": dec(120)}),
        "ledgers": {BTC: replace(LEDGER, position=Position((lot,)))},
        "orders": {NAME: replace(ORDER, totals=totals, fills=2)},
        "fills": (BOUGHT, second),
    }
    assert told(**changes) == []
    changes["orders"] = {NAME: replace(ORDER, totals=paid_in_gt(totals, "0.5"), fills=2)}
    assert [one[:2] for one in told(**changes)] == [(NAME, "totals")]


def test_an_order_under_way_must_stand_in_its_ledger_and_in_the_journal() -> None:
    assert of_order(state=OrderState.UNKNOWN) == [
        (NAME, "state", "unknown", "no ledger has it under way")
    ]
    open_order = order(client_order_id="t-paper-open")
    buying = LEDGER.with_pending(open_order)
    committed = replace(ACCOUNT, committed_quote={"BTC/USDT": dec(200)})
    row = ("BTC/USDT", "under way", "t-paper-open")
    assert told(ledgers={BTC: buying}, account=committed) == [(*row, "not in the journal")]
    closed = replace(open_order, state=OrderState.REJECTED)
    orders = {NAME: ORDER, "t-paper-open": closed}
    assert told(ledgers={BTC: buying}, account=committed, orders=orders) == [(*row, "is rejected")]
    orders = {NAME: ORDER, "t-paper-open": open_order}
    assert told(ledgers={BTC: buying}, account=committed, orders=orders) == []


def test_a_ledger_that_says_otherwise_than_the_fills_is_named_with_both_figures() -> None:
    assert of_btc(replace(LOT, base=dec("0.005"))) == [
        ("BTC/USDT", "position", "0.005", "0.00499"),
        ("BTC/USDT", "lots", "0.005 for 100", "0.00499 for 100"),
    ]
    assert of_btc(replace(LOT, cost_quote=dec(99)))[0] == ("BTC/USDT", "cost", "99", "100")
    split = replace(LOT, base=dec("0.004"), cost_quote=dec(80))
    rest = replace(LOT, base=dec("0.00099"), cost_quote=dec(20))
    lots = ("BTC/USDT", "lots", "0.004 for 80, 0.00099 for 20", "0.00499 for 100")
    assert of_btc(split, rest) == [lots]


def test_stops_and_lots_of_a_position_that_no_fill_made_are_told_of() -> None:
    guarded = {BTC: replace(LEDGER, guard=GUARD)}
    assert told(ledgers=guarded) == []
    rows = told(ledgers=guarded, orders={}, fills=(), account=replace(ACCOUNT, fills=0))
    assert rows == [
        ("BTC/USDT", "position", "0.00499", "0"),
        ("BTC/USDT", "cost", "100", "0"),
        ("BTC/USDT", "lots", "0.00499 for 100", "none"),
        ("BTC/USDT", "stops", "stand", "nothing is held"),
    ]


def test_fills_of_a_symbol_without_a_ledger_are_a_position_that_the_books_lack() -> None:
    rows = told(ledgers={}, account=replace(ACCOUNT, committed_quote={}))
    assert rows == [
        ("BTC/USDT", "position", "0", "0.00499"),
        ("BTC/USDT", "cost", "0", "100"),
        ("BTC/USDT", "lots", "none", "0.00499 for 100"),
    ]


def test_one_symbol_whose_fills_contradict_each_other_hides_no_other() -> None:
    """BTC comes first and sells more than it has; ETH after it is compared all the same."""
    oversold = fill(Side.SELL, "0.006", "120", client_order_id="t-paper-sell")
    sold = replace(
        ORDER, client_order_id="t-paper-sell", request=sell_request(), totals=oversold.traded
    )
    orders = {NAME: ORDER, "t-paper-sell": sold}
    oversold = at(oversold, NOON_MS + 1)
    eth = Ledger(ETH, position=Position((replace(LOT, cost_quote=dec(0)),)))
    both = {"fills": (BOUGHT, oversold), "orders": orders}
    rows = told(**both, ledgers={BTC: LEDGER, ETH: eth})
    (broken,) = [one for one in rows if one[:2] == ("BTC/USDT", "position")]
    assert broken[2] == "0.00499"
    assert "sells 0.006 of 0.00499 BTC held" in broken[3]
    assert ("ETH/USDT", "position", "0.00499", "0") in rows
    (unledgered,) = [one for one in told(**both, ledgers={}) if one[1] == "position"]
    assert unledgered[:3] == ("BTC/USDT", "position", "0")


def test_a_day_that_says_otherwise_is_named_with_both_figures() -> None:
    assert of_account(realised_quote=dec(5)) == [(TODAY, "realised", "5", "0")]
    assert of_account(fills=3) == [(TODAY, "fills", "3", "1")]


def test_a_fill_at_midnight_counts_in_the_new_day_and_once() -> None:
    first = (at(BOUGHT, TODAY_MS),)
    ledgers = {BTC: replace(LEDGER, position=Position((replace(LOT, opened_ms=TODAY_MS),)))}
    assert told(fills=first, ledgers=ledgers) == []
    twice = replace(ACCOUNT, fills=2)
    assert told(fills=first, ledgers=ledgers, account=twice) == [(TODAY, "fills", "2", "1")]


def test_a_fill_of_last_night_that_was_settled_at_midnight_may_count_in_the_new_day() -> None:
    late_ms = TODAY_MS - 1
    changes = {
        "fills": (at(BOUGHT, late_ms),),
        "ledgers": {BTC: replace(LEDGER, position=Position((replace(LOT, opened_ms=late_ms),)))},
    }
    for updated_ms, counted in ((TODAY_MS, {0, 1}), (TODAY_MS - 1, {0})):
        changes["orders"] = {NAME: replace(ORDER, updated_ms=updated_ms)}
        agrees = {
            fills
            for fills in range(3)
            if not told(**changes, account=replace(ACCOUNT, fills=fills))
        }
        assert agrees == counted


def test_a_fill_of_last_night_without_its_order_is_told_of_and_belongs_to_its_own_day() -> None:
    late_ms = TODAY_MS - 1
    rows = told(
        fills=(at(BOUGHT, late_ms),),
        ledgers={BTC: replace(LEDGER, position=Position((replace(LOT, opened_ms=late_ms),)))},
        orders={},
        account=replace(ACCOUNT, fills=0),
    )
    assert [one[:2] for one in rows] == [(NAME, "order")]


def test_quote_committed_otherwise_is_named_with_both_figures() -> None:
    assert of_account(committed_quote={"BTC/USDT": dec(7)}) == [
        ("BTC/USDT", "committed", "7", "100")
    ]


def paper(of: Order, base: str, **changes: Any) -> list[tuple[str, ...]]:
    said = report(of, base, "100", **changes)
    return told(paper_account=PaperAccount(orders=1), paper_orders=(PaperOrder(said, NOON_MS),))


def test_a_paper_exchange_that_says_otherwise_is_named_with_both_figures() -> None:
    assert paper(ORDER, "0.005") == []
    assert paper(ORDER, "0.004") == [
        (NAME, "at paper", AMOUNTS, "0.004 for 100, fees 0.000008 / 0")
    ]
    unknown = order(buy_request(), client_order_id="t-paper-not-ours")
    assert paper(unknown, "9") == []
    assert told(paper_account=PaperAccount(orders=3)) == [("paper exchange", "orders", "3", "0")]
