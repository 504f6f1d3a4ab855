from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builders import BTC, NOON_MS, buy_request, dec, order, sell_request
from crypto_ai_bot.domain.ledger import ATTEMPTS_PER_SLOT_MAX, Ledger, SlotUse
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.domain.position import Lot, Position

BLANK = Ledger(BTC)


def test_a_slot_is_taken_once() -> None:
    taken = BLANK.with_pending(order())
    assert BLANK.next_attempt(Purpose.ENTRY, NOON_MS) == 1
    assert taken.next_attempt(Purpose.ENTRY, NOON_MS) is None
    assert taken.next_attempt(Purpose.STOP, NOON_MS) == 1
    assert taken.next_attempt(Purpose.ENTRY, NOON_MS + 60_000) == 1


def test_a_late_tick_does_not_reopen_an_older_slot() -> None:
    taken = BLANK.with_pending(order())
    assert taken.next_attempt(Purpose.ENTRY, NOON_MS - 60_000) is None
    nothing = taken.without_order(order())
    assert nothing.next_attempt(Purpose.ENTRY, NOON_MS - 60_000) is None


def test_a_further_attempt_needs_the_proof_that_the_last_made_no_order() -> None:
    ledger = BLANK
    for attempt in range(1, ATTEMPTS_PER_SLOT_MAX + 1):
        assert ledger.next_attempt(Purpose.ENTRY, NOON_MS) == attempt
        tried = order(attempt=attempt)
        ledger = ledger.with_pending(tried).without_order(tried)
    assert ledger.next_attempt(Purpose.ENTRY, NOON_MS) is None


def test_a_pending_sell_counts_as_sold() -> None:
    holding = replace(BLANK, position=Position((Lot("f", dec("0.005"), dec(100), 1),)))
    assert holding.with_pending(order(sell_request("0.004"))).worst_base == dec("0.001")
    assert holding.with_pending(order(buy_request())).worst_base == dec("0.005")


def test_a_lease_keeps_others_out_until_it_runs_out() -> None:
    leased = BLANK.leased_to("run-1", NOON_MS + 70_000)
    assert leased.free_for("run-1", NOON_MS)
    assert not leased.free_for("run-2", NOON_MS + 69_999)
    assert leased.free_for("run-2", NOON_MS + 70_000)
    assert leased.released().free_for("run-2", NOON_MS)


@given(st.lists(st.booleans(), max_size=20))
def test_the_token_only_grows(takes: list[bool]) -> None:
    ledger = BLANK
    for take in takes:
        after = ledger.leased_to("run", NOON_MS) if take else ledger.released()
        assert after.token == ledger.token + take
        ledger = after


def test_an_order_that_rose_takes_its_slot_and_opens_none_that_was_taken_since() -> None:
    first = order(buy_request(slot_ms=NOON_MS))
    again = order(buy_request(slot_ms=NOON_MS), attempt=2)
    later = order(buy_request(slot_ms=NOON_MS + 60_000), journaled_ms=NOON_MS + 60_000)
    rejected = Ledger(BTC).with_pending(first).without_order(first)
    assert rejected.with_risen(first).pending
    assert rejected.with_risen(first).next_attempt(Purpose.ENTRY, NOON_MS) is None
    twice = rejected.with_pending(again).without_order(again).with_risen(first)
    assert twice.slots[Purpose.ENTRY] == SlotUse(NOON_MS, 2)
    moved_on = rejected.with_pending(later)
    risen = moved_on.with_risen(first)
    assert risen.slots == moved_on.slots
    assert risen.last_entry_ms == NOON_MS + 60_000


def test_an_order_that_rose_takes_a_slot_that_no_other_holds() -> None:
    first = order(buy_request(slot_ms=NOON_MS))
    later = order(buy_request(slot_ms=NOON_MS + 60_000), attempt=2)
    taken = {Purpose.ENTRY: SlotUse(NOON_MS + 60_000, 2)}
    assert BLANK.with_risen(later).slots == taken
    assert BLANK.with_pending(first).with_risen(later).slots == taken


def test_only_an_entry_begins_the_pause_between_entries() -> None:
    entered = BLANK.with_pending(order())
    assert entered.last_entry_ms == NOON_MS
    selling = order(sell_request(), journaled_ms=NOON_MS + 60_000)
    assert entered.with_pending(selling).last_entry_ms == NOON_MS


def test_what_the_account_held_beside_the_position_before_the_first_order_stays_apart() -> None:
    holding = replace(BLANK, position=Position((Lot("f", dec("0.005"), dec(100), 1),)))
    begun = holding.with_pending(order(balance_before=(dec(10_000), dec("0.105"))))
    assert begun.foreign_base == dec("0.1")
    assert begun.expected_base == dec("0.105")
    again = begun.with_pending(order(balance_before=(dec(10_000), dec(7))))
    assert again.foreign_base == dec("0.1")
