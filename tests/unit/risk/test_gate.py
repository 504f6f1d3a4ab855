from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    BTC,
    LIMITS,
    NOON_MS,
    buy_request,
    dec,
    facts,
    market,
    order,
    quote,
    sell_request,
)
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.exchange_stop import ExchangeStop, StopTerms
from crypto_ai_bot.domain.ledger import Halt, Ledger
from crypto_ai_bot.domain.market import Balance, TradeStatus
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.risk.gate import Approved, Refused, Verdict, refuse_unasked, review
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.risk.rules import Facts

HOLDING = Ledger(BTC, position=Position((Lot("f", dec("0.005"), dec(100), 1),)))
BLANK = Ledger(BTC)
RESTING = ExchangeStop(StopTerms(dec(19_000), dec(18_430), dec("0.005")), 0, 0, 0, 1, ("7",))


def test_a_request_that_nothing_objects_to_is_approved_with_its_attempt() -> None:
    permission = review(buy_request(), facts(), LIMITS)
    assert isinstance(permission, Approved)
    assert permission.attempt == 1
    assert permission.verdict.as_json() == {
        "ok": True,
        "reasons": [],
        "limits": {
            "cooldown_ms": 300_000,
            "spread_pct_max": "0.5",
            "position_base_max": "1",
            "orders_per_hour_max": 6,
            "daily_loss_quote_max": "100",
            "exposure_quote_max": "1000",
        },
    }


ENTRY_OBJECTIONS = [
    ("trading_state", facts(trading_state=TradingState.EXITS_ONLY)),
    ("trading_state", facts(trading_state=TradingState.OFF)),
    ("stale_tick", facts(scheduled_ms=NOON_MS - 90_001)),
    ("exchange", facts(exchange_trouble="3 requests in a row had no answer")),
    ("price", facts(now_ms=NOON_MS + 60_001, scheduled_ms=NOON_MS + 60_000)),
    ("halted", facts(ledger=replace(BLANK, halt=Halt("drift", 1)))),
    ("exchange_stop", facts(ledger=replace(BLANK, exchange_stop=RESTING))),
    ("position", facts(ledger=HOLDING)),
    ("market", facts(market=market(trade_status=TradeStatus.SELLABLE))),
    ("market", facts(market=market(delisting_ms=NOON_MS + 1))),
    ("minimum", facts(market=market(amount_quote_min=dec("100.1")))),
    ("minimum", facts(market=market(amount_base_min=dec("0.005")))),
    ("balance", facts(balance=Balance(dec("99.99"), dec(0)))),
    ("cooldown", facts(ledger=replace(BLANK, last_entry_ms=NOON_MS - 299_999))),
    ("spread", facts(quote=quote("20000", "20101"))),
    ("position_base", facts(quote=quote("99", "99.1"))),
    ("orders_per_hour", facts(account=Account(order_times_ms=(NOON_MS - 1,) * 6))),
    ("daily_loss", facts(account=Account(realised_quote=dec(-100)))),
    ("daily_loss", facts(open_loss_quote=dec(100))),
    ("exposure", facts(account=Account(committed_quote={"ETH/USDT": dec("900.1")}))),
]


@pytest.mark.parametrize(("name", "judged"), ENTRY_OBJECTIONS)
def test_an_entry_is_refused_with_the_one_reason_that_holds(name: str, judged: Facts) -> None:
    permission = review(buy_request(), judged, LIMITS)
    assert isinstance(permission, Refused)
    assert permission.request == buy_request()
    assert [reason.split(":")[0] for reason in permission.verdict.reasons] == [name]


AT_THE_LIMIT = [
    facts(now_ms=NOON_MS + 60_000),
    facts(scheduled_ms=NOON_MS - 90_000),
    facts(market=market(amount_quote_min=dec(100))),
    facts(market=market(amount_base_min=dec("0.005")), quote=quote("19990", "20000")),
    facts(balance=Balance(dec(100), dec(0))),
    facts(ledger=replace(BLANK, last_entry_ms=NOON_MS - 300_000)),
    facts(quote=quote("19950", "20050")),
    facts(quote=quote("99.9", "100")),
    facts(account=Account(order_times_ms=(NOON_MS - 1,) * 5)),
    facts(account=Account(realised_quote=dec("-99.99"))),
    facts(account=Account(committed_quote={"ETH/USDT": dec(900)})),
]


@pytest.mark.parametrize("judged", AT_THE_LIMIT)
def test_what_is_just_within_a_limit_is_approved(judged: Facts) -> None:
    assert isinstance(review(buy_request(), judged, LIMITS), Approved)


@pytest.mark.parametrize(
    ("name", "judged"),
    [pair for pair in ENTRY_OBJECTIONS if pair[0] in {"cooldown", "spread", "position_base"}]
    + [pair for pair in ENTRY_OBJECTIONS if pair[0] in {"orders_per_hour", "daily_loss"}]
    + [pair for pair in ENTRY_OBJECTIONS if pair[0] == "exposure"],
)
def test_zero_turns_a_limit_off(name: str, judged: Facts) -> None:
    assert isinstance(review(buy_request(), judged, RiskLimits()), Approved), name


def test_all_reasons_are_told_not_only_the_first() -> None:
    worst = facts(
        trading_state=TradingState.OFF,
        scheduled_ms=0,
        quote=quote("20000", "21000"),
        balance=Balance(dec(0), dec(0)),
        account=Account(
            order_times_ms=(NOON_MS - 1,) * 9,
            realised_quote=dec(-500),
            committed_quote={"ETH/USDT": dec(5_000)},
        ),
        ledger=replace(BLANK, last_entry_ms=NOON_MS, halt=Halt("drift", 1)),
    )
    permission = review(buy_request(), worst, LIMITS)
    names = [reason.split(":")[0] for reason in permission.verdict.reasons]
    assert len(names) == len(set(names)) == 9


def test_a_pending_order_keeps_every_other_order_back() -> None:
    entry = facts(ledger=BLANK.with_pending(order()))
    permission = review(buy_request(slot_ms=NOON_MS + 60_000), entry, RiskLimits())
    assert [reason.split(":")[0] for reason in permission.verdict.reasons] == ["pending"]
    selling = facts(ledger=HOLDING.with_pending(order(sell_request())))
    permission = review(sell_request(slot_ms=NOON_MS + 60_000), selling, LIMITS)
    assert [reason.split(":")[0] for reason in permission.verdict.reasons] == [
        "pending",
        "holding",
    ]


def test_a_slot_that_is_taken_is_the_reason_for_buys_and_sells_alike() -> None:
    bought = replace(BLANK.with_pending(order()), pending=None)
    sold = replace(HOLDING.with_pending(order(sell_request())), pending=None)
    for request, ledger in ((buy_request(), bought), (sell_request(), sold)):
        permission = review(request, facts(ledger=ledger), RiskLimits())
        assert isinstance(permission, Refused)
        assert [reason.split(":")[0] for reason in permission.verdict.reasons] == ["slot"]


def test_a_protective_sell_is_held_against_no_limit() -> None:
    worst = facts(
        trading_state=TradingState.EXITS_ONLY,
        scheduled_ms=0,
        quote=quote("20000", "25000"),
        ledger=replace(HOLDING, last_entry_ms=NOON_MS, halt=Halt("drift", 1)),
        account=Account(order_times_ms=(NOON_MS - 1,) * 99, realised_quote=dec(-10_000)),
        market=market(trade_status=TradeStatus.SELLABLE, delisting_ms=1),
    )
    assert isinstance(review(sell_request(), worst, LIMITS), Approved)


@given(st.decimals(min_value="0.000001", max_value=10, places=6))
def test_no_more_is_sold_than_is_surely_held(amount: Decimal) -> None:
    permission = review(sell_request(str(amount)), facts(ledger=HOLDING), LIMITS)
    assert isinstance(permission, Approved) == (amount <= dec("0.005"))


@given(
    st.decimals(min_value=3, max_value=2_000, places=1),
    st.decimals(min_value=0, max_value=2_000, places=2),
)
def test_whatever_is_approved_keeps_the_exposure_within_its_limit(
    amount: Decimal, committed: Decimal
) -> None:
    """Invariant I5, at the gate."""
    judged = facts(account=Account(committed_quote={"ETH/USDT": committed}))
    permission = review(buy_request(str(amount)), judged, LIMITS)
    if isinstance(permission, Approved):
        assert committed + amount <= LIMITS.exposure_quote_max


def test_a_failing_exchange_keeps_no_exit_back() -> None:
    judged = facts(
        ledger=HOLDING, balance=Balance(dec(0), dec("0.005")), exchange_trouble="no answers"
    )
    assert isinstance(review(sell_request(), judged, LIMITS), Approved)


def test_a_sell_of_what_is_not_free_at_the_exchange_is_not_sent() -> None:
    gone = facts(ledger=HOLDING, balance=Balance(dec(10_000), dec("0.004")))
    permission = review(sell_request("0.005"), gone, LIMITS)
    assert permission.verdict.reasons == (
        "balance: 0.004 base free at the exchange, 0.005 to sell",
    )


def test_nothing_is_sold_beside_a_stop_that_rests_at_the_exchange() -> None:
    judged = facts(ledger=replace(HOLDING, exchange_stop=RESTING))
    (reason,) = review(sell_request(), judged, LIMITS).verdict.reasons
    assert reason.startswith("exchange_stop:")


def test_a_failing_exchange_is_not_asked_for_an_entry_and_is_for_an_exit() -> None:
    trouble = "3 requests in a row had no answer"
    refused = refuse_unasked(buy_request(), trouble, LIMITS)
    assert refused == Refused(buy_request(), Verdict((f"exchange: {trouble}",), LIMITS))
    assert refuse_unasked(sell_request(), trouble, LIMITS) is None
    assert refuse_unasked(buy_request(), "", LIMITS) is None


def test_where_the_exchange_has_no_minimum_anything_but_nothing_is_bought() -> None:
    free = facts(market=market(amount_base_min=dec(0), amount_quote_min=dec(0)))
    assert isinstance(review(buy_request("0.5"), free, LIMITS), Approved)
    assert isinstance(review(buy_request("0"), free, LIMITS), Refused)


def test_a_sell_of_nothing_is_no_order() -> None:
    (reason,) = review(sell_request("0"), facts(ledger=HOLDING), LIMITS).verdict.reasons
    assert reason == "holding: 0.005 held, 0 to sell"


def test_a_slot_that_is_taken_hides_no_other_reason() -> None:
    sold = replace(HOLDING.with_pending(order(sell_request())), pending=None)
    gone = facts(ledger=sold, balance=Balance(dec(10_000), dec(0)))
    reasons = review(sell_request(), gone, LIMITS).verdict.reasons
    assert [reason.split(":")[0] for reason in reasons] == ["slot", "balance"]


def test_times_are_told_in_whole_seconds() -> None:
    late = facts(
        scheduled_ms=NOON_MS - 2_000_999,
        ledger=replace(BLANK, last_entry_ms=NOON_MS - 200_000),
    )
    assert review(buy_request(), late, LIMITS).verdict.reasons == (
        "stale_tick: 2000 s old, 90 s allowed",
        "cooldown: 200 s of 300 s passed",
    )
