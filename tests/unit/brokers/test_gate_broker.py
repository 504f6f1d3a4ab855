"""What the live broker reads: evidence from whole listings, balances, the account, refusals."""

import json
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
from crypto_ai_bot.domain.circuit import FAILURES_TO_OPEN, OPEN_FOR_MS
from crypto_ai_bot.domain.errors import ExchangeRefusesKey, ExchangeUnavailable
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.order import Order
from fakes_feed import LTC_USDT, ManualClock
from unit.brokers.gate_account_stub import (
    KEYS,
    ORDER,
    OURS,
    SERVER_MS,
    ClientOf,
    GateAccount,
    order_row,
    refused,
    trade_row,
)
from unit.brokers.http_stub import Behaviour, HttpStub, answered, closes, hangs, hangs_up

DAY_MS = 86_400_000
BALANCES = [
    {"currency": "USDT", "available": "95.00566", "locked": "1", "update_id": 8},
    {"currency": "LTC", "available": "0.077844", "locked": "0", "update_id": 3},
]
PAIR = {
    "id": "LTC_USDT",
    "min_base_amount": "0.001",
    "min_quote_amount": "3",
    "amount_precision": 3,
    "precision": 2,
    "trade_status": "tradable",
    "delisting_time": 0,
}


@pytest.fixture
def account(stub: HttpStub) -> GateAccount:
    return GateAccount(stub, balances=BALANCES)


@pytest.fixture
def client(client_of: ClientOf) -> CcxtClient:
    return client_of(**KEYS, wait_ms=600, deadline_ms=2_000)


@pytest.fixture
def broker(client: CcxtClient, clock: ManualClock, account: GateAccount) -> GateBroker:
    account.server_ms = clock.now_ms()
    return GateBroker(client, clock, GateTerms())


def ids(broker: GateBroker, order: Order = ORDER) -> list[str]:
    return [report.exchange_order_id for report in broker.fetch_evidence(order).reports]


def asked(stub: HttpStub) -> list[str]:
    return [one.path.partition("?")[0].removeprefix("/api/v4") for one in stub.received]


# --- evidence


def test_nothing_under_the_name_is_evidence_of_nothing_and_of_the_balance(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    account.finished = [order_row(7, "web"), order_row(8, "t-b-other")]
    account.trades = [trade_row(7, "web"), trade_row(8, "t-b-other")]
    evidence = broker.fetch_evidence(ORDER)
    assert evidence.reports == ()
    assert evidence.balance == Balance(Decimal("95.00566"), Decimal("0.077844"))
    assert evidence.server_ms == account.server_ms
    assert asked(stub) == [
        "/spot/time",
        "/spot/orders",
        "/spot/orders",
        "/spot/my_trades",
        "/spot/accounts",
    ]
    assert [one.question.get("status") for one in stub.received[1:3]] == ["open", "finished"]


def test_no_request_asks_for_a_name(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    account.finished = [order_row(7)]
    broker.fetch_evidence(replace(ORDER, exchange_order_id="9"))
    assert not [one.path for one in stub.received if OURS in one.path]


def test_an_order_is_found_finished_open_or_in_both_and_once(
    broker: GateBroker, account: GateAccount
) -> None:
    account.finished = [order_row(7)]
    assert ids(broker) == ["7"]
    account.open = [order_row(7, status="open", filled_amount="0.05", filled_total="3")]
    (report,) = broker.fetch_evidence(ORDER).reports
    assert report.finished  # finished while the listings were read: the later state counts
    assert report.totals.base == Decimal("0.078")
    account.finished = []
    (report,) = broker.fetch_evidence(ORDER).reports
    assert not report.finished


def test_several_orders_under_one_name_are_all_reported(
    broker: GateBroker, account: GateAccount
) -> None:
    account.finished = [order_row(10), order_row(9), order_row(8, "web")]
    account.trades = [trade_row(10), trade_row(9)]
    assert ids(broker) == ["9", "10"]


def test_every_page_is_read(broker: GateBroker, account: GateAccount, stub: HttpStub) -> None:
    account.finished = [order_row(number, "web") for number in range(1_000, 1_200)] + [order_row(7)]
    account.trades = [trade_row(number, "web") for number in range(1_000, 2_000)] + [trade_row(8)]
    account.by_id = {"8": order_row(8)}
    assert ids(broker) == ["7", "8"]
    pages = [one.question.get("page") for one in stub.received if "finished" in one.path]
    assert pages == ["1", "2", "3"]


def test_a_listing_without_an_end_is_no_evidence(broker: GateBroker, account: GateAccount) -> None:
    account.broken["finished"] = answered([order_row(7, "web")] * 100)  # the same page for ever
    with pytest.raises(ExchangeUnavailable, match="more than 100 pages"):
        broker.fetch_evidence(ORDER)


def test_a_trade_whose_order_is_not_listed_yet_leads_to_it(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    account.trades = [trade_row(7)]
    account.by_id = {"7": order_row(7)}
    assert ids(broker) == ["7"]
    assert "/spot/orders/7" in asked(stub)


def test_a_trade_of_ours_whose_order_cannot_be_read_is_not_absence(
    broker: GateBroker, account: GateAccount
) -> None:
    account.trades = [trade_row(7)]
    with pytest.raises(ExchangeUnavailable, match="order 7 traded as t-a-abc"):
        broker.fetch_evidence(ORDER)
    account.by_id = {"7": order_row(7, "apiv4")}
    with pytest.raises(ExchangeUnavailable, match="order 7 traded as t-a-abc"):
        broker.fetch_evidence(ORDER)


def test_a_trade_that_tells_no_name_is_looked_up_unless_its_order_is_listed(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    account.trades = [trade_row(7, None), trade_row(8, None), trade_row(9, None)]
    account.finished = [order_row(7, "web")]
    account.by_id = {"8": order_row(8), "9": order_row(9, "web")}
    assert ids(broker) == ["8"]
    assert "/spot/orders/7" not in asked(stub)


def test_an_order_known_by_its_id_is_read_by_it(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    account.by_id = {"7": order_row(7), "8": order_row(8)}
    assert ids(broker, replace(ORDER, exchange_order_id="7+8")) == ["7", "8"]
    account.finished = [order_row(7)]
    stub.received.clear()
    assert ids(broker, replace(ORDER, exchange_order_id="7")) == ["7"]
    assert "/spot/orders/7" not in asked(stub)  # listed finished: there is nothing more to learn


def test_an_id_that_gate_does_not_know_is_not_found_and_one_of_another_name_no_evidence(
    broker: GateBroker, account: GateAccount
) -> None:
    known = replace(ORDER, exchange_order_id="7")
    assert ids(broker, known) == []
    account.by_id = {"7": order_row(7, "web")}
    with pytest.raises(ExchangeUnavailable, match="order 7"):
        broker.fetch_evidence(known)


@pytest.mark.parametrize("change", [{"side": "sell"}, {"currency_pair": "BTC_USDT"}])
def test_our_name_on_another_side_or_pair_is_no_evidence(
    change: dict[str, str], broker: GateBroker, account: GateAccount
) -> None:
    account.finished = [order_row(7, **change)]
    with pytest.raises(ExchangeUnavailable, match="order 7 is called t-a-abc"):
        broker.fetch_evidence(ORDER)


NOT_AN_ANSWER: dict[str, bytes | Behaviour] = {
    "HTML": answered(None, raw=b"<html>busy</html>"),
    "HTML with an error": answered(None, 503, raw=b"<html>busy</html>"),
    "empty": answered(None, raw=b""),
    "null": answered(None),
    "an object": answered({"orders": []}),
    "a text": answered("orders"),
    "cut": closes(answered([order_row(7)])[:-30]),
    "cut without a length": closes(b"HTTP/1.1 200 OK\r\n\r\n[{"),
    "hung up": hangs_up,
    "silent": hangs,
    "a label": refused(200, "TOO_BUSY"),
    "rows that are none": answered([7]),
    "a row without an id": answered([{"text": "web"}]),
    "rate limit": refused(429, "TOO_MANY_REQUESTS"),
}


@pytest.mark.parametrize("listing", ["open", "finished", "trades", "/spot/accounts", "/spot/time"])
@pytest.mark.parametrize("wrong", NOT_AN_ANSWER)
def test_a_listing_that_did_not_answer_whole_is_no_evidence(
    wrong: str, listing: str, broker: GateBroker, account: GateAccount
) -> None:
    account.broken[listing] = NOT_AN_ANSWER[wrong]
    with pytest.raises(ExchangeUnavailable, match=r"^gate "):
        broker.fetch_evidence(ORDER)


def test_an_order_by_id_that_did_not_answer_is_no_evidence(
    broker: GateBroker, account: GateAccount
) -> None:
    for wrong in (refused(500, "ORDER_NOT_FOUND"), answered([]), refused(404, "NOT_FOUND")):
        account.broken["/spot/orders/7"] = wrong
        with pytest.raises(ExchangeUnavailable):
            broker.fetch_evidence(replace(ORDER, exchange_order_id="7"))


def test_one_of_ours_that_cannot_be_read_whole_is_no_evidence(
    broker: GateBroker, account: GateAccount
) -> None:
    account.finished = [order_row(7, filled_total="many")]
    with pytest.raises(ExchangeUnavailable, match="unreadable"):
        broker.fetch_evidence(ORDER)


def test_the_search_begins_two_minutes_before_the_journal_and_never_spans_more_than_a_week(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    broker.fetch_evidence(ORDER)
    ranges = [
        (int(one.question["from"]), int(one.question["to"]))
        for one in stub.received
        if "from" in one.question
    ]
    start, end = SERVER_MS // 1_000 - 120, account.server_ms // 1_000 + 1
    assert ranges == [(start, end)] * 2
    stub.received.clear()
    account.server_ms += 16 * DAY_MS
    broker.fetch_evidence(ORDER)
    week = 7 * 86_400
    finished = [one.question for one in stub.received if "finished" in one.path]
    assert [int(one["from"]) for one in finished] == [start, start + week, start + 2 * week]
    assert [int(one["to"]) for one in finished[:2]] == [start + week, start + 2 * week]
    assert int(finished[2]["to"]) == account.server_ms // 1_000 + 1


def test_a_clock_that_was_ahead_when_the_order_was_journaled_hides_nothing(
    broker: GateBroker, stub: HttpStub
) -> None:
    broker.fetch_evidence(replace(ORDER, journaled_ms=SERVER_MS + 600_000))
    starts = {int(one.question["from"]) for one in stub.received if "from" in one.question}
    assert starts == {ORDER.expires_ms // 1_000 - 120}


# --- balances, rules, account


def test_a_balance_is_what_is_free_and_an_unlisted_coin_is_none(
    broker: GateBroker, account: GateAccount
) -> None:
    assert broker.fetch_balance(LTC_USDT) == Balance(Decimal("95.00566"), Decimal("0.077844"))
    account.balances = BALANCES[:1]
    assert broker.fetch_balance(LTC_USDT).free_base == 0


@pytest.mark.parametrize("available", ["-1", "NaN", 0.5, None, ""])
def test_a_balance_that_makes_no_sense_is_unavailable(
    available: Any, broker: GateBroker, account: GateAccount
) -> None:
    account.balances = [{"currency": "USDT", "available": available}]
    with pytest.raises(ExchangeUnavailable, match="spot/accounts: unreadable"):
        broker.fetch_balance(LTC_USDT)


def test_the_unified_account_has_a_balance_of_its_own_form(
    client: CcxtClient, clock: ManualClock, stub: HttpStub
) -> None:
    broker = GateBroker(client, clock, GateTerms(unified=True))
    stub.answers["/unified/accounts"] = answered(
        {"balances": {"USDT": {"available": "7", "freeze": "1"}}}
    )
    assert broker.fetch_balance(LTC_USDT) == Balance(Decimal(7), Decimal(0))


def test_rules_carry_the_accounts_own_fee(broker: GateBroker, stub: HttpStub) -> None:
    stub.answers = {
        "/wallet/fee": answered({"taker_fee": "0.0015", "maker_fee": "0.001"}),
        "/spot/currency_pairs/LTC_USDT": answered(PAIR),
    }
    assert broker.fetch_rules(LTC_USDT, SERVER_MS).taker_fee_rate == Decimal("0.0015")
    fee, pair = stub.received
    assert fee.path == "/api/v4/wallet/fee?currency_pair=LTC_USDT"
    assert fee.headers["KEY"] == KEYS["api_key"]
    assert len(fee.headers["SIGN"]) == 128
    assert "KEY" not in pair.headers


@pytest.mark.parametrize("fee", ["1", "-0.001", None, 0.002])
def test_a_fee_that_makes_no_sense_is_unavailable(
    fee: Any, broker: GateBroker, stub: HttpStub
) -> None:
    stub.answers["/wallet/fee"] = answered({"taker_fee": fee})
    with pytest.raises(ExchangeUnavailable, match="wallet/fee LTC/USDT: unreadable"):
        broker.fetch_rules(LTC_USDT, SERVER_MS)


def test_the_account_tells_its_mode_and_who_may_use_the_key(
    broker: GateBroker, stub: HttpStub
) -> None:
    stub.answers["/account/detail"] = answered(
        {"user_id": 10406147, "ip_whitelist": [], "currency_pairs": [], "key": {"mode": 1}}
    )
    detail = broker.fetch_account_detail()
    assert (detail.unified, detail.ip_whitelist) == (False, ())
    assert (detail.permissions, detail.created_ms) == (None, None)
    stub.answers["/account/detail"] = answered(
        {"ip_whitelist": ["10.0.0.1"], "currency_pairs": None, "key": {"mode": 2}}
    )
    detail = broker.fetch_account_detail()
    assert (detail.unified, detail.ip_whitelist) == (True, ("10.0.0.1",))


@pytest.mark.parametrize(
    ("masked", "known"),
    [
        (["key-*****"], True),
        (["key-****0123"], True),
        ([KEYS["api_key"], "zzzz****"], True),
        (["zzzz****"], False),
        (["key-****", "key-****"], False),
        (["****"], False),
        (["key-****9999"], False),
    ],
)
def test_permissions_and_age_are_known_of_a_key_that_can_be_told_from_the_others(
    masked: list[str], *, known: bool, broker: GateBroker, stub: HttpStub
) -> None:
    perms = [{"name": "spot", "read_only": False}, {"name": "wallet", "read_only": True}]
    rows = [{"key": key, "perms": perms, "created_at": 1_690_000_000} for key in masked]
    stub.answers = {
        "/account/detail": answered({"key": {"mode": 1}}),
        "/account/main_keys": answered(rows),
    }
    detail = broker.fetch_account_detail()
    assert (detail.permissions is not None) is known
    if known:
        assert detail.permissions == {"spot": True, "wallet": False}
        assert detail.created_ms == 1_690_000_000_000


# --- refusals and failures


@pytest.mark.parametrize(
    ("status", "label", "told"),
    [
        (401, "INVALID_KEY", "make a new one"),
        (401, "INVALID_SIGNATURE", "API_SECRET is not the secret of API_KEY"),
        (403, "READ_ONLY", "give it spot trading"),
        (403, "FORBIDDEN", "no permission"),
        (403, "IP_FORBIDDEN", "not on the API key's IP list"),
        (403, "REQUEST_EXPIRED", "set this machine's clock"),
        (200, "REQUEST_EXPIRED", "set this machine's clock"),
        (403, "ACCOUNT_LOCKED", "locked the account"),
    ],
)
def test_a_refusal_of_the_key_is_one_clear_line_for_the_operator(
    status: int, label: str, told: str, broker: GateBroker, account: GateAccount
) -> None:
    account.broken["/spot/accounts"] = refused(status, label)
    with pytest.raises(ExchangeRefusesKey) as caught:
        broker.fetch_balance(LTC_USDT)
    line = str(caught.value)
    assert line.startswith(f"gate spot/accounts: {label}: ")
    assert told in line
    assert "\n" not in line


def test_a_key_refused_by_gates_own_fault_is_tried_again(
    broker: GateBroker, account: GateAccount
) -> None:
    account.broken["/spot/accounts"] = refused(500, "INVALID_KEY")
    with pytest.raises(ExchangeUnavailable):
        broker.fetch_balance(LTC_USDT)


def test_a_clock_that_is_off_is_told_by_how_much(
    broker: GateBroker, account: GateAccount, clock: ManualClock
) -> None:
    out = f"X-Out-Time: {(clock.now_ms() + 70_000) * 1_000}\r\n"
    account.broken["/spot/accounts"] = refused(403, "REQUEST_EXPIRED", headers=out)
    with pytest.raises(ExchangeRefusesKey, match=r"\(they are -70\.0 s apart\)"):
        broker.fetch_balance(LTC_USDT)


def test_once_gates_time_was_read_requests_are_signed_by_it(
    broker: GateBroker, account: GateAccount, clock: ManualClock, stub: HttpStub
) -> None:
    account.server_ms = clock.now_ms() + 70_000
    broker.fetch_server_ms()
    clock.advance(5_000)
    broker.fetch_balance(LTC_USDT)
    assert stub.received[-1].headers["Timestamp"] == str((account.server_ms + 5_000) // 1_000)


def fail(broker: GateBroker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ExchangeUnavailable):
            broker.fetch_balance(LTC_USDT)


def test_an_account_that_does_not_answer_is_trouble_until_it_does(
    client: CcxtClient, broker: GateBroker, account: GateAccount, clock: ManualClock
) -> None:
    account.broken["/spot/accounts"] = answered(None, 503, raw=b"<html>")
    fail(broker, FAILURES_TO_OPEN - 1)
    broker.fetch_server_ms()  # prices and time may well work while the account does not
    assert broker.trouble(clock.now_ms()) == ""
    fail(broker, 1)
    assert "had no answer" in broker.trouble(clock.now_ms())
    later = GateBroker(client, clock, GateTerms())  # the next invocation of the same process
    assert later.trouble(clock.now_ms())
    assert later.trouble(clock.now_ms() + OPEN_FOR_MS) == ""
    del account.broken["/spot/accounts"]
    later.fetch_balance(LTC_USDT)  # an exit, say: nothing keeps it from asking
    assert later.trouble(clock.now_ms()) == ""


def test_a_refusal_is_an_answer_and_a_swallowed_order_is_none(
    broker: GateBroker, account: GateAccount, clock: ManualClock
) -> None:
    account.broken["/spot/accounts"] = refused(403, "IP_FORBIDDEN")
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(ExchangeRefusesKey):
            broker.fetch_balance(LTC_USDT)
    assert broker.trouble(clock.now_ms()) == ""
    account.submission = hangs_up
    broker.fetch_server_ms()
    for _ in range(FAILURES_TO_OPEN):
        broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS)
    assert broker.trouble(clock.now_ms())


def test_requests_keep_their_distance_whatever_the_symbol(
    client_of: ClientOf, clock: ManualClock, account: GateAccount
) -> None:
    """Gate allows 20 private requests a second and 10 orders a second and market (gate-spot 2.6).

    ccxt's throttle spaces all requests of a client by 50 ms, orders by 20 ms, and the protocol
    makes one order at a time for each symbol, after asking for Gate's time.
    """
    broker = GateBroker(client_of(**KEYS, interval_ms=None), clock, GateTerms())
    account.submission = answered(order_row(7), 201)
    started = time.perf_counter()
    for _ in range(3):
        broker.fetch_server_ms()
        broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS)
    assert time.perf_counter() - started >= 3 * 0.02 + 2 * 0.05


def test_an_error_carries_no_secret(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    account.broken["/spot/accounts"] = refused(400, "STRANGE", json.dumps(KEYS))
    with pytest.raises(ExchangeUnavailable) as caught:
        broker.fetch_balance(LTC_USDT)
    hidden = (KEYS["api_key"], KEYS["api_secret"], stub.received[0].headers["SIGN"])
    assert not [secret for secret in hidden if secret in str(caught.value)]


# --- everybody's orders


def test_all_orders_of_the_pair_are_read_whoever_made_them(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    account.open = [order_row(9, "web", status="open", type="limit", filled_total="0")]
    account.finished = [order_row(n, "apiv4") for n in range(20, 140)]
    listed = broker.fetch_orders(LTC_USDT, account.server_ms - DAY_MS)
    assert [one.exchange_order_id for one in listed] == ["9", *map(str, range(20, 140))]
    assert not listed[0].finished
    finished = [one.question for one in stub.received if one.question.get("status") == "finished"]
    assert [one["page"] for one in finished] == ["1", "2"]
    assert int(finished[0]["from"]) == (account.server_ms - DAY_MS) // 1_000


@pytest.mark.parametrize("listing", ["open", "finished"])
def test_a_listing_that_is_not_whole_tells_nothing_of_others(
    broker: GateBroker, account: GateAccount, listing: str
) -> None:
    account.broken = {listing: answered([{"id": "7", "text": "web"}])}
    with pytest.raises(ExchangeUnavailable):
        broker.fetch_orders(LTC_USDT, account.server_ms - DAY_MS)
