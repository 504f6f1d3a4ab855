from dataclasses import replace

import pytest

from builders import BTC, NOON_MS, dec, market, order, report, sell_request
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.order import Order, OrderEvent, OrderReport, OrderState, Purpose, Totals
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.reconciliation.settle import Settlement, settle, settle_without_order

BUY = order()
BUYING = Ledger(BTC).with_pending(BUY)
STOPS = StopRules(hard_pct=5, trailing_pct=3)
LATER_MS = NOON_MS + 1_000


def after(
    said: OrderReport, of: Order = BUY, ledger: Ledger = BUYING, account: Account | None = None
) -> Settlement:
    return settle(of, said, ledger, account or Account(), market(), STOPS, LATER_MS)


def test_a_finished_buy_closes_the_order_and_moves_ledger_account_and_guard() -> None:
    done = after(report(BUY, "0.005", "100"), account=Account(free_quote=dec(1_000)))
    assert done.order.state is OrderState.CLOSED
    assert done.order.exchange_order_id == "7001"
    assert done.ledger.pending is None
    assert done.ledger.position.base == dec("0.00499")
    assert done.ledger.guard
    assert done.ledger.guard.stop_price == pytest.approx(20_000 * 0.97)
    assert done.account.free_quote == dec(900)
    assert done.account.committed_quote == {"BTC/USDT": dec(100)}
    assert [event.kind for event in done.events] == [EventKind.ORDER]


def test_a_part_leaves_the_rest_pending_and_in_the_exposure() -> None:
    """Worst case: what is not filled yet may still be."""
    part = after(report(BUY, "0.002", "40", finished=False))
    assert part.order.state is OrderState.ACCEPTED
    assert part.ledger.pending
    assert part.ledger.pending.amount == dec(60)
    assert part.account.committed_quote == {"BTC/USDT": dec(100)}
    assert part.events == ()
    assert part.order.updated_ms == LATER_MS


def test_a_part_of_a_sell_leaves_only_the_rest_to_be_sold() -> None:
    held = replace(Ledger(BTC), position=Position((Lot("f", dec("0.005"), dec(100), 1),)))
    selling = order(sell_request("0.004"))
    part = after(
        report(selling, "0.001", "21", finished=False), selling, held.with_pending(selling)
    )
    assert part.ledger.pending
    assert part.ledger.pending.amount == dec("0.003")
    assert part.ledger.worst_base == dec("0.001")
    assert part.account.realised_quote == dec("0.958")


def test_the_second_part_keeps_the_age_and_the_peak_of_the_position() -> None:
    first = after(report(BUY, "0.002", "40", finished=False, updated_ms=NOON_MS + 100))
    assert first.ledger.guard
    risen = replace(first.ledger.guard, peak_price=25_000.0, stop_price=24_250.0)
    ledger = replace(first.ledger, guard=risen)
    done = after(report(BUY, "0.005", "100"), first.order, ledger)
    guard = done.ledger.guard
    assert guard
    assert (guard.opened_ms, guard.peak_price) == (NOON_MS + 100, 25_000.0)
    assert guard.stop_price == 24_250.0
    assert guard.bought_base == dec("0.00499")
    assert done.ledger.position.base == dec("0.00499")


def test_an_entry_upon_dust_gets_a_guard_of_its_own() -> None:
    dusty = replace(BUYING, position=Position((Lot("old", dec("0.0000001"), dec("0.002"), 1),)))
    before = after(report(BUY, "0.005", "100")).ledger.guard
    assert before
    old = replace(before, opened_ms=1, peak_price=99_999.0, stop_price=99_000.0)
    done = after(report(BUY, "0.005", "100"), ledger=replace(dusty, guard=old))
    assert done.ledger.guard
    assert done.ledger.guard.peak_price == 20_000.0
    assert done.ledger.guard.stop_price < 20_000.0
    assert done.ledger.guard.opened_ms == NOON_MS + 500


def test_the_same_report_twice_changes_nothing_more() -> None:
    """Invariant I7: an accepted order that is reported anew without growth has no further fill."""
    said = report(BUY, "0.002", "40", finished=False)
    once = after(said)
    again = after(said, once.order, once.ledger, once.account)
    assert again.fill is None
    assert again.ledger == once.ledger
    assert again.account == once.account
    assert again.order.totals == once.order.totals


def test_an_order_that_ended_without_a_trade_is_closed_and_leaves_no_position() -> None:
    done = after(replace(report(BUY, "0", "0"), finish_reason="depth_not_enough"))
    assert done.order.state is OrderState.CLOSED
    assert done.order.resolution == "depth_not_enough"
    assert done.fill is None
    assert done.ledger.guard is None
    assert done.account.committed_quote == {}


def test_a_slot_whose_order_was_made_is_not_free_again_even_if_it_traded_nothing() -> None:
    done = after(report(BUY, "0", "0"))
    assert done.ledger.next_attempt(Purpose.ENTRY, NOON_MS) is None


def test_a_report_that_contradicts_the_books_raises_before_anything_is_moved() -> None:
    selling = order(sell_request("0.004"))
    held = replace(Ledger(BTC), position=Position((Lot("f", dec("0.004"), dec(80), 1),)))
    with pytest.raises(InvariantBroken, match="sells"):
        after(report(selling, "0.0041", "82"), selling, held.with_pending(selling))
    half = replace(BUY, state=OrderState.ACCEPTED, totals=Totals(dec("0.005"), dec(100)))
    with pytest.raises(InvariantBroken, match="fell"):
        after(report(BUY, "0.002", "40"), half)


def test_a_guard_stays_while_more_than_dust_is_held_and_goes_with_the_rest() -> None:
    bought = after(report(BUY, "0.005", "100")).ledger
    for amount, guarded in (("0.003", True), ("0.0049", False)):
        selling = order(sell_request(amount), client_order_id="t-paper-sell")
        cost = str(dec(amount) * 20_000)
        done = after(report(selling, amount, cost), selling, bought.with_pending(selling))
        assert bool(done.ledger.guard) == guarded
        assert done.events[0].kind is EventKind.EXIT


def test_an_order_that_was_never_made_frees_its_slot_and_its_quote() -> None:
    account = Account().with_commitment(BTC, BUYING)
    unknown = replace(BUY, state=OrderState.UNKNOWN)
    done = settle_without_order(
        unknown, OrderEvent.PROVE_ABSENT, BUYING, account, "3 searches", LATER_MS
    )
    assert done.order.state is OrderState.NOT_PLACED
    assert done.ledger.pending is None
    assert done.ledger.next_attempt(Purpose.ENTRY, NOON_MS) == 2
    assert done.account.exposure_quote == 0
    assert done.events[0].text.endswith("made no order (not_placed): 3 searches")
    assert done.events[0].symbol == "BTC/USDT"


def test_the_price_that_returns_all_that_was_paid_counts_both_fees() -> None:
    guard = after(report(BUY, "0.005", "100")).ledger.guard
    assert guard
    proceeds = dec(str(guard.break_even_price)) * dec("0.00499") * (1 - market().taker_fee_rate)
    assert float(proceeds) == pytest.approx(100.0)


def test_an_order_that_rests_untraded_is_accepted_at_the_time_of_its_report() -> None:
    resting = after(report(BUY, "0", "0", finished=False))
    assert resting.order.state is OrderState.ACCEPTED
    assert resting.order.updated_ms == LATER_MS


def test_a_fill_remembers_the_version_of_the_ledger_that_it_was_applied_to() -> None:
    """By it the fills of a symbol are put in the order in which the books took them."""
    done = after(report(BUY, "0.005", "100"), ledger=replace(BUYING, version=7))
    assert done.fill
    assert done.fill.ledger_version == 7


def test_only_a_fill_dates_when_the_books_last_moved() -> None:
    done = after(report(BUY, "0.005", "100"))
    assert done.ledger.moved_ms == LATER_MS
    assert after(report(BUY, "0", "0")).ledger.moved_ms == 0


def test_a_fee_in_quote_is_paid_on_top_of_a_buy_and_out_of_what_a_sell_brings() -> None:
    account = Account(free_quote=dec(1_000))
    totals = Totals(dec("0.005"), dec(100), fee_quote=dec(1))
    bought = after(replace(report(BUY, "0.005", "100"), totals=totals), account=account)
    assert bought.account.free_quote == dec(899)
    assert bought.ledger.guard
    sell_at = dec(str(bought.ledger.guard.break_even_price))
    assert float(sell_at * dec("0.005") * (1 - market().taker_fee_rate)) == pytest.approx(101.0)
    selling = order(sell_request("0.005"), client_order_id="t-paper-sell")
    sold = after(
        report(selling, "0.005", "100"), selling, bought.ledger.with_pending(selling), account
    )
    assert sold.account.free_quote == dec("1099.8")


def test_a_second_part_never_lowers_a_stop_that_the_rules_would_set_lower() -> None:
    first = after(report(BUY, "0.002", "40", finished=False))
    assert first.ledger.guard
    raised = replace(first.ledger, guard=replace(first.ledger.guard, stop_price=19_900.0))
    done = after(report(BUY, "0.005", "100"), first.order, raised)
    assert done.ledger.guard
    assert done.ledger.guard.stop_price == 19_900.0


def test_a_position_opened_without_stops_has_none() -> None:
    bare = StopRules(hard_pct=0)
    done = settle(BUY, report(BUY, "0.005", "100"), BUYING, Account(), market(), bare, LATER_MS)
    assert done.ledger.guard
    assert done.ledger.guard.stop_price == 0.0


def test_a_finished_order_is_told_with_its_side_figures_and_reason() -> None:
    (told,) = after(report(BUY, "0.005", "100")).events
    whole = "bought 0.005 BTC for 100 USDT at 20000 (entry: EMA 12 crossed above EMA 26)"
    assert (told.symbol, told.text) == ("BTC/USDT", whole)
    selling = order(sell_request("0.004"), client_order_id="t-paper-sell")
    held = replace(Ledger(BTC), position=Position((Lot("f", dec("0.004"), dec(80), 1),)))
    (sold,) = after(report(selling, "0.004", "80"), selling, held.with_pending(selling)).events
    assert sold.text.startswith("sold 0.004 BTC for 80 USDT at 20000 (stop: ")


def test_an_order_that_the_exchange_made_twice_is_told_with_both_ids() -> None:
    (once,) = after(report(BUY, "0.005", "100")).events
    (twice,) = after(report(BUY, "0.005", "100", exchange_order_id="7001+7002")).events
    assert twice.text == f"{once.text}; by more than one order at the exchange: 7001+7002"
