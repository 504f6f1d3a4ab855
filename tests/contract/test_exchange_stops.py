"""Stops that rest at the exchange: the real use cases and client, the embedded exchange.

At most one rests; it sells what the books say, once; nothing of ours is sold beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from builders import BTC
from contract.outcome_matrix import Detour
from crypto_ai_bot.domain.exchange_stop import (
    RENEWED_BEFORE_MS,
    StopStep,
    named_life_ms,
    next_step,
)
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import DAY_MS
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.local.exchange.engine.orders import PriceOrder
from crypto_ai_bot.ports.store import Change, Conflict, Replace
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.desk import take_lease
from crypto_ai_bot.usecases.exchange_stops import keep
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from crypto_ai_bot.usecases.run import look
from fakes import Died
from live_desk import LiveDesk, live_desk

ENTRY = 60_000
STOP = Decimal("57000.8")  # 5 % below the ask that was paid
TRAILING = StopRules(trailing_pct=2)


@pytest.fixture
def desk() -> Iterator[LiveDesk]:
    with live_desk(exchange_stop=True) as made:
        made.enter()
        made.clock.advance(5_000)
        yield made


def only(outcome: Any) -> SymbolOutcome:
    (one,) = outcome.symbols
    assert isinstance(one, SymbolOutcome)
    return one


def resting(desk: LiveDesk) -> list[PriceOrder]:
    return list(desk.account.open_price_orders.values())


def placements(desk: LiveDesk) -> int:
    log = desk.grounds.line.log.entries
    return sum(one.method == "POST" and one.path.endswith("/price_orders") for one in log)


def tick_of(desk: LiveDesk) -> Tick:
    return Tick(Job.EXITS, desk.clock.now_ms(), "event-1", "a-run")


def falls(desk: LiveDesk, price: float = 56_500) -> None:
    """The market falls, and what rests there hears of it."""
    desk.price(price)
    desk.clock.advance(1_000)
    desk.grounds.hall.engine.advance(desk.clock.now_ms())


def told(desk: LiveDesk) -> list[str]:
    return [event.text for event in desk.store.events(100)]


def assert_closed(desk: LiveDesk) -> None:
    """Sold once, by whichever; nothing rests, and the books are the exchange's."""
    assert desk.ledger.exchange_stop is None
    assert not resting(desk)
    desk.assert_books_equal_exchange()
    assert desk.ledger.position.base < Decimal("0.00001")


def rewrite(desk: LiveDesk, stop: Any) -> None:
    """What the table says of the stop, changed by hand."""
    assert desk.store.commit([Replace(replace(desk.ledger, exchange_stop=stop))]) is None


def finding(desk: LiveDesk) -> str:
    health = desk.store.glance().health
    return str(health.checks["stops at the exchange"])


class DiesKnowing:
    """The process dies before it writes which stop it has placed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def commit(self, changes: Sequence[Change]) -> Conflict | None:
        for change in changes:
            stop = getattr(getattr(change, "entity", None), "exchange_stop", None)
            if stop and stop.stop_ids:
                raise Died
        return self._inner.commit(changes)  # type: ignore[no-any-return]  # the store's word

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class FrozenBeforePlacing(Detour):
    """The process is frozen for longer than a signature is good, with the request in its hand."""

    desk: LiveDesk

    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        self.desk.clock.advance(70_000)
        return fetch(url, "POST", headers, body)


def test_a_stop_rests_for_the_whole_position_after_the_next_pass_of_exits(desk: LiveDesk) -> None:
    outcome = only(desk.exits())
    (stop,) = resting(desk)
    assert outcome.reasons[-1] == "a stop rests at the exchange at 57000.8"
    assert stop.trigger.price == STOP
    assert stop.put.price == Decimal("55290.7")
    assert stop.put.amount == Decimal("0.001662"), "floored to the amount step"
    assert desk.ledger.exchange_stop
    assert desk.ledger.exchange_stop.stop_ids == (str(stop.id),)


def test_nothing_rests_unless_it_is_asked_for() -> None:
    with live_desk() as desk:
        desk.enter()
        desk.exits()
        assert not desk.account.price_orders


def test_many_passes_place_it_once(desk: LiveDesk) -> None:
    for _ in range(4):
        desk.exits()
        desk.reconcile()
    assert placements(desk) == 1


def test_nothing_is_placed_while_trading_is_off_and_what_rested_is_taken_away(
    desk: LiveDesk,
) -> None:
    desk.exits()
    desk.switch.state = TradingState.OFF
    desk.exits()
    assert not resting(desk)
    assert desk.ledger.exchange_stop is None
    desk.exits()
    assert placements(desk) == 1


@pytest.mark.parametrize("job", [Job.EXITS, Job.RECONCILE])
def test_a_stop_that_fired_is_settled_once_as_an_order_of_ours(desk: LiveDesk, job: Job) -> None:
    desk.exits()
    held = desk.ledger.position.base
    falls(desk)
    outcome = only(desk.run(job))
    assert outcome.order
    assert outcome.order.totals.base <= held
    assert outcome.order.client_order_id.startswith("stop-")
    assert_closed(desk)
    desk.exits()
    desk.reconcile()
    assert_closed(desk)
    assert not [line for line in told(desk) if "foreign" in line or "drift" in line]
    assert len(desk.orders()) == 1, "we sold nothing beside it"


def test_a_fired_stop_that_the_price_left_behind_is_found_by_reconcile(desk: LiveDesk) -> None:
    desk.exits()
    falls(desk)
    desk.price(ENTRY)
    outcome = only(desk.reconcile())
    assert outcome.decision is Decision.SETTLED
    assert_closed(desk)


def test_reconcile_agrees_while_a_stop_rests_whether_the_exchange_locks_its_coins_or_not(
    desk: LiveDesk,
) -> None:
    for locks in (False, True):
        desk.grounds.switch(price_order_reserves=locks)
        desk.exits()
        assert only(desk.reconcile()).reasons == ("books agree",)
        desk.switch.state = TradingState.OFF  # takes it away
        desk.clock.advance(2_000)
        desk.exits()
        desk.switch.state = TradingState.ON
    assert not [line for line in told(desk) if "drift" in line]


def test_a_stop_rises_with_the_trailing_stop_and_never_two_rest() -> None:
    with live_desk(exchange_stop=True, stops=TRAILING) as desk:
        desk.enter()
        prices = []
        for price in (60_000, 60_020, 61_000, 60_500, 62_000):
            desk.clock.advance(10_000)
            desk.price(price)
            desk.exits()
            (stop,) = resting(desk)
            prices.append(stop.trigger.price)
        assert prices == sorted(prices)
        assert prices[0] == prices[1], "a rise of 0.03 % is not worth a moment without a stop"
        assert prices[2] == prices[3]
        assert desk.ledger.guard
        assert float(prices[-1]) == pytest.approx(desk.ledger.guard.stop_price, rel=0.002)


def test_a_stop_is_renewed_before_the_exchange_drops_it(desk: LiveDesk) -> None:
    desk.exits()
    first = resting(desk)[0].id
    stop = desk.ledger.exchange_stop
    assert stop
    due_ms = stop.ends_ms - RENEWED_BEFORE_MS
    assert next_step(stop, stop.terms, due_ms) is StopStep.KEEP
    assert next_step(stop, stop.terms, due_ms + 1) is StopStep.REMOVE
    rewrite(desk, replace(stop, ends_ms=desk.clock.now_ms()))
    desk.clock.advance(2_000)
    desk.exits()
    (second,) = resting(desk)
    assert second.id != first


def test_our_own_sell_takes_the_stop_away_first(desk: LiveDesk) -> None:
    desk.exits()
    stop = resting(desk)[0]
    outcome = only(desk.run(Job.EVALUATE, Action.EXIT))
    assert outcome.decision is Decision.EXIT
    assert stop.status.value == "cancelled"
    assert_closed(desk)


def test_a_sell_of_ours_that_finds_the_stop_fired_sells_nothing_more(desk: LiveDesk) -> None:
    desk.exits()
    falls(desk)
    outcome = only(desk.run(Job.EVALUATE, Action.EXIT))
    assert outcome.decision is Decision.STOP
    assert_closed(desk)
    assert len(desk.orders()) == 1


def test_nothing_is_sold_while_the_fate_of_the_stop_cannot_be_read(desk: LiveDesk) -> None:
    desk.exits()
    desk.grounds.strike("label", path="price_orders/", n=0)
    outcome = only(desk.run(Job.EVALUATE, Action.EXIT))
    assert outcome.decision is Decision.ERROR
    assert len(desk.orders()) == 1
    desk.grounds.line.faults.clear()
    assert only(desk.run(Job.EVALUATE, Action.EXIT)).decision is Decision.EXIT
    assert_closed(desk)


def test_a_cancel_whose_answer_is_lost_is_read_afterwards(desk: LiveDesk) -> None:
    desk.exits()
    desk.grounds.strike("fin", method="DELETE", when="after")
    assert only(desk.run(Job.EVALUATE, Action.EXIT)).decision is Decision.EXIT
    assert_closed(desk)


def test_a_take_profit_step_sells_its_part_and_the_rest_is_protected_again() -> None:
    steps = StopRules(take_profit=(TakeProfitStep(2.0, Decimal("0.5")),))
    with live_desk(exchange_stop=True, stops=steps) as desk:
        desk.enter()
        desk.exits()
        whole = resting(desk)[0].put.amount
        desk.price(61_500)
        desk.clock.advance(10_000)
        assert only(desk.exits()).decision is Decision.STOP
        desk.clock.advance(10_000)
        desk.exits()
        (stop,) = resting(desk)
        assert stop.put.amount < whole
        assert stop.put.amount <= desk.ledger.position.base


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_whose_placing_was_not_answered_is_found_or_proved_absent(
    desk: LiveDesk, when: str
) -> None:
    desk.grounds.strike("fin", method="POST", path="price_orders", when=when)
    outcome = only(desk.exits())
    assert "not known" in outcome.reasons[-1]
    for _ in range(14):
        desk.clock.advance(10_000)
        desk.exits()
    assert len(resting(desk)) == 1
    assert placements(desk) == (1 if when == "after" else 2)
    assert desk.ledger.exchange_stop
    assert desk.ledger.exchange_stop.stop_ids == (str(resting(desk)[0].id),)


def test_a_stop_that_fired_before_its_placing_was_answered_is_found_and_settled(
    desk: LiveDesk,
) -> None:
    desk.grounds.strike("fin", method="POST", path="price_orders", when="after")
    desk.exits()
    falls(desk)
    desk.price(ENTRY)
    desk.exits()
    desk.reconcile()
    assert_closed(desk)


def test_the_stops_of_a_person_and_our_own_earlier_ones_are_not_taken_for_the_one_sought(
    desk: LiveDesk,
) -> None:
    desk.exits()
    first = resting(desk)[0]
    earlier = desk.account.price_orders[first.id]
    by_hand = replace(first, id=first.id + 7, put=replace(first.put, amount=Decimal("0.001")))
    desk.account.price_orders[by_hand.id] = desk.account.open_price_orders[by_hand.id] = by_hand
    desk.switch.state = TradingState.OFF
    desk.exits()
    desk.switch.state = TradingState.ON
    desk.clock.advance(10_000)
    desk.grounds.strike("fin", method="POST", path="price_orders", when="after")
    desk.exits()
    by_hand.created_ms = desk.clock.now_ms()
    second = resting(desk)[-1]
    assert (second.trigger.price, second.put) == (earlier.trigger.price, earlier.put)
    earlier.trigger = second.trigger  # even the seconds that it was to live
    desk.exits()
    assert desk.ledger.exchange_stop
    assert desk.ledger.exchange_stop.stop_ids == (str(second.id),)
    desk.run(Job.EVALUATE, Action.EXIT)
    assert resting(desk) == [by_hand]


def test_a_like_stop_of_another_deployment_is_told_by_the_seconds_it_lives(desk: LiveDesk) -> None:
    """Simulated seed 2122: refused beside it as repeated, we took it for ours, and its sale too."""
    desk.grounds.strike(
        "label", method="POST", path="price_orders", when="after", code=400, label="REPEAT_REQUEST"
    )
    desk.exits()
    (stop,) = resting(desk)
    theirs = stop.trigger.expiration_s - 1
    stop.trigger = replace(stop.trigger, expiration_s=theirs)
    desk.clock.advance(10_000)
    desk.exits()
    unknown = desk.ledger.exchange_stop
    assert unknown
    assert not unknown.stop_ids
    stop.trigger = replace(stop.trigger, expiration_s=theirs + 1)
    desk.exits()
    ours = desk.ledger.exchange_stop
    assert ours
    assert ours.stop_ids == (str(stop.id),)


def test_deployments_ask_for_lives_of_their_own_of_at_most_seven_days() -> None:
    lives = {named_life_ms(tag, BTC, ENTRY + at) for tag in ("alpha", "beta") for at in range(50)}
    assert len(lives) == 100
    assert all(life % 1_000 == 0 and 6 * DAY_MS < life <= 7 * DAY_MS for life in lives)
    assert named_life_ms("alpha", BTC, ENTRY) == named_life_ms("alpha", BTC, ENTRY)


def test_no_stop_is_placed_once_an_operator_has_switched_off(desk: LiveDesk) -> None:
    sight = look(desk.desk, tick_of(desk))
    set_trading_state(desk.store, desk.desk.clock, TradingState.OFF, "enough", "operator")
    kept = keep(desk.desk, sight, desk.ledger, sight.glance.rules[BTC])
    assert kept.ledger.exchange_stop is None
    assert not placements(desk)


def test_no_stop_is_placed_while_another_run_has_the_symbol(desk: LiveDesk) -> None:
    assert take_lease(desk.desk, desk.ledger, replace(tick_of(desk), run_id="another"))
    sight = look(desk.desk, tick_of(desk))
    keep(desk.desk, sight, desk.ledger, sight.glance.rules[BTC])
    assert not placements(desk)


def test_a_stop_whose_position_is_gone_is_taken_away(desk: LiveDesk) -> None:
    desk.exits()
    assert desk.store.commit([Replace(replace(desk.ledger, guard=None))]) is None
    desk.exits()
    assert not resting(desk)
    assert desk.ledger.exchange_stop is None


def test_a_run_that_dies_while_placing_leaves_a_stop_that_the_next_run_finds(
    desk: LiveDesk,
) -> None:
    whole = desk.store
    desk.store = DiesKnowing(whole)  # type: ignore[assignment]  # the same door, for a while
    with pytest.raises(Died):
        desk.exits()
    desk.store = whole
    desk.new_process()
    desk.clock.advance(80_000)  # its lease runs out
    desk.exits()
    assert len(resting(desk)) == 1
    assert placements(desk) == 1
    falls(desk)
    desk.exits()
    assert_closed(desk)


def test_while_it_is_not_known_whether_a_stop_rests_nothing_is_sold(desk: LiveDesk) -> None:
    desk.grounds.strike("fin", method="POST", path="price_orders", when="before")
    desk.exits()
    outcome = only(desk.run(Job.EVALUATE, Action.EXIT))
    assert outcome.decision is Decision.WAITING
    assert len(desk.orders()) == 1


def test_repeat_request_is_no_proof_that_nothing_rests(desk: LiveDesk) -> None:
    desk.grounds.strike(
        "label", method="POST", path="price_orders", when="after", code=400, label="REPEAT_REQUEST"
    )
    desk.exits()
    desk.clock.advance(10_000)
    desk.exits()
    assert len(resting(desk)) == 1
    assert placements(desk) == 1


def test_two_stops_of_one_request_are_both_taken_away_and_both_counted(desk: LiveDesk) -> None:
    desk.exits()
    stop, journaled = resting(desk)[0], desk.ledger.exchange_stop
    assert journaled
    twin = replace(stop, id=stop.id + 1)
    desk.account.price_orders[twin.id] = desk.account.open_price_orders[twin.id] = twin
    rewrite(desk, replace(journaled, stop_ids=()))
    desk.exits()
    assert desk.ledger.exchange_stop
    assert len(desk.ledger.exchange_stop.stop_ids) == 2
    assert only(desk.run(Job.EVALUATE, Action.EXIT)).decision is Decision.EXIT
    assert_closed(desk)


def test_a_reconcile_that_was_frozen_takes_the_order_of_a_younger_stop_for_nobody_elses(
    desk: LiveDesk,
) -> None:
    """Simulated seed 514: it had read the books before the stop was placed."""
    lists = desk.desk.broker.fetch_orders

    class Frozen:
        """Before it lists the orders, exits places a stop and the stop fires."""

        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

        def fetch_orders(self, *asked: Any) -> Any:
            desk.exits()
            falls(desk)
            return lists(*asked)

    whole = desk.desk.broker
    tick = replace(tick_of(desk), job=Job.RECONCILE)
    outcome = only(reconcile(replace(desk.desk, broker=Frozen()), tick))
    assert outcome.decision is Decision.BUSY
    desk.exits()
    desk.reconcile()
    assert_closed(desk)
    assert not [line for line in told(desk) if "foreign" in line]


def test_what_a_fall_jumped_over_is_cancelled_and_sold_by_us(desk: LiveDesk) -> None:
    desk.exits()
    falls(desk, 50_000)  # below the limit: the order of the stop rests and fills nothing
    (fired,) = [o for o in desk.account.orders.values() if not o.wish.text.startswith("t-")]
    assert fired.is_open
    for _ in range(3):
        desk.exits()
        desk.clock.advance(10_000)
    assert not fired.is_open
    assert_closed(desk)


def test_a_stop_that_a_person_cancelled_is_told_and_placed_anew(desk: LiveDesk) -> None:
    desk.exits()
    engine = desk.grounds.hall.engine
    assert engine.cancel_price_order(desk.account, resting(desk)[0], desk.clock.now_ms())
    desk.reconcile()
    assert "BTC/USDT: the stop at the exchange is gone: cancelled" in told(desk)
    desk.clock.advance(10_000)
    desk.exits()
    assert len(resting(desk)) == 1


def test_a_position_without_its_stop_for_two_minutes_is_a_finding_of_the_watchdog(
    desk: LiveDesk,
) -> None:
    desk.grounds.strike(
        "label", method="POST", path="price_orders", n=0, code=400, label="INVALID_PARAM_VALUE"
    )
    desk.exits()
    desk.exits()
    refusals = [line for line in told(desk) if "takes no stop: INVALID_PARAM_VALUE" in line]
    assert len(refusals) == 1
    desk.reconcile()
    desk.clock.advance(110_000)
    desk.run(Job.WATCHDOG)
    assert finding(desk) == "ok"
    desk.clock.advance(20_000)
    outcome = desk.run(Job.WATCHDOG)
    assert finding(desk) == "none rests for BTC/USDT"
    assert outcome.findings["stops_missing"] == 1


def test_a_setting_taken_back_takes_the_stop_away(desk: LiveDesk) -> None:
    desk.exits()
    desk.exchange_stop = False
    desk.exits()
    assert not resting(desk)
    assert desk.ledger.exchange_stop is None


def test_no_entry_while_a_stop_may_still_sell(desk: LiveDesk) -> None:
    desk.exits()
    stop = desk.ledger.exchange_stop
    desk.run(Job.EVALUATE, Action.EXIT)
    rewrite(desk, stop)
    desk.clock.advance(60_000)
    outcome = only(desk.enter())
    assert outcome.decision is Decision.BLOCKED
    assert any(reason.startswith("exchange_stop:") for reason in outcome.reasons)


def test_a_stop_is_not_sent_by_a_run_that_was_frozen_after_its_journal(desk: LiveDesk) -> None:
    desk.detour = type("Frozen", (FrozenBeforePlacing,), {"desk": desk})
    desk.new_process()
    desk.exits()
    assert not desk.account.price_orders, "signed too long ago"
