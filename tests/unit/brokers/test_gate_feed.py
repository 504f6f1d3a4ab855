"""Gate's prices over the real ccxt client and a scripted server on the loopback."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
from crypto_ai_bot.brokers.gate_feed import GateFeed
from crypto_ai_bot.domain.errors import ExchangeRefusesKey, ExchangeUnavailable
from crypto_ai_bot.domain.market import Candle, Level, TradeStatus
from fakes_feed import BTC_USDT, LTC_USDT, ManualClock
from unit.brokers.http_stub import (
    HttpStub,
    answered,
    breaks_off,
    broken_gzip,
    drips,
    hangs,
    hangs_up,
)

RECORDED = Path(__file__).parents[4] / "shared/reference/gate/requests-recorded-ccxt-4.5.90.json"
HOUR_MS = 3_600_000
NOW_MS = 1_700_000_100_000  # 100 s into a minute-aligned second: no bar closes exactly here

ClientOf = Callable[..., CcxtClient]

LTC_PAIR = {
    "id": "LTC_USDT",
    "min_base_amount": "0.001",
    "min_quote_amount": "3",
    "amount_precision": 3,
    "precision": 2,
    "trade_status": "tradable",
    "delisting_time": 0,
    "st_tag": False,
}


@pytest.fixture
def feed(client_of: ClientOf, clock: ManualClock) -> GateFeed:
    return GateFeed(client_of(), clock)


def ticker(pair: str, bid: Any = "64.02", ask: Any = "64.03", last: Any = "64.03") -> Any:
    return {"currency_pair": pair, "last": last, "lowest_ask": ask, "highest_bid": bid}


def bar(opened_seconds: int, close: str = "10", *, closed: str = "true") -> list[str]:
    return [str(opened_seconds), "1000", close, "11", "9", "9.5", "100", closed]


# --- what is asked


def test_the_requests_are_those_that_ccxt_makes_for_the_same_calls(
    stub: HttpStub, client_of: ClientOf, clock: ManualClock
) -> None:
    feed = GateFeed(client_of(), clock, depth_levels=20)
    stub.answers = {
        "/spot/time": answered({"server_time": 1_597_026_383_085}),
        "/spot/tickers": answered([ticker("LTC_USDT")]),
        "/spot/candlesticks": answered([]),
        "/spot/order_book": answered({"asks": [], "bids": []}),
    }
    feed.fetch_server_ms()
    feed.fetch_ticker(LTC_USDT)
    feed.fetch_tickers([LTC_USDT, BTC_USDT])
    feed.fetch_candles(LTC_USDT, "1h", 198, NOW_MS)
    feed.fetch_depth(LTC_USDT)
    calls = ["fetch_time", "fetch_ticker", "fetch_tickers two", "fetch_ohlcv 1h limit 200"]
    calls.append("fetch_order_book 20")
    expected = [
        "/api/v4/spot/time",
        "/api/v4/spot/tickers?currency_pair=LTC_USDT",
        "/api/v4/spot/tickers?timezone=utc0",
        "/api/v4/spot/candlesticks?currency_pair=LTC_USDT&interval=1h&limit=200",
        "/api/v4/spot/order_book?currency_pair=LTC_USDT&limit=20&with_id=true",
    ]
    assert [request.path for request in stub.received] == expected
    if not RECORDED.exists():
        return
    recorded = {call["name"]: call for call in json.loads(RECORDED.read_text())["calls"]}
    for name, request in zip(calls, stub.received, strict=True):
        (theirs,) = recorded[name]["requests"]
        own_headers = {k: v for k, v in request.headers.items() if k != "Host"}
        their_headers = {k: v for k, v in theirs["headers"].items() if k != "Host"}
        del own_headers["User-Agent"], their_headers["User-Agent"]  # names requests' version
        assert (request.method, request.path) == (theirs["method"], theirs["path"])
        assert own_headers == their_headers


def test_no_symbols_need_no_request(stub: HttpStub, feed: GateFeed) -> None:
    assert feed.fetch_tickers([]) == {}
    assert stub.received == []


# --- what is read


def test_tickers_are_read_with_the_digits_that_gate_sent(
    stub: HttpStub, feed: GateFeed, clock: ManualClock
) -> None:
    rows = [ticker("BTC_USDT", "27000.10", "27000.20", "27000.1"), ticker("LTC_USDT")]
    stub.answers[""] = answered([*rows, ticker("DOGE_USDT", "nonsense")])
    quotes = feed.fetch_tickers([LTC_USDT, BTC_USDT])
    assert set(quotes) == {LTC_USDT, BTC_USDT}
    assert str(quotes[BTC_USDT].bid) == "27000.10"
    assert quotes[LTC_USDT].read_ms == clock.now_ms()
    assert len(stub.received) == 1


@pytest.mark.parametrize(
    "row",
    [
        ticker("LTC_USDT", bid="64.04"),
        ticker("LTC_USDT", bid="0"),
        ticker("LTC_USDT", ask=""),
        ticker("LTC_USDT", ask=None),
        ticker("LTC_USDT", bid="-1"),
        ticker("LTC_USDT", bid="NaN"),
        ticker("LTC_USDT", bid=64.02),
        ticker("LTC_USDT", bid=True),
        ticker("LTC_USDT", last="Infinity"),
        {"currency_pair": "LTC_USDT"},
    ],
    ids=[
        "crossed",
        "zero",
        "empty",
        "null",
        "negative",
        "nan",
        "float",
        "bool",
        "infinite",
        "missing",
    ],
)
def test_a_symbol_without_a_market_is_absent_among_many_and_unavailable_alone(
    row: Any, stub: HttpStub, feed: GateFeed
) -> None:
    stub.answers[""] = answered([row, ticker("BTC_USDT")])
    assert set(feed.fetch_tickers([LTC_USDT, BTC_USDT])) == {BTC_USDT}
    with pytest.raises(ExchangeUnavailable, match="LTC/USDT has no bid and ask"):
        feed.fetch_ticker(LTC_USDT)


def test_candles_are_the_closed_bars_oldest_first_each_once(stub: HttpStub, feed: GateFeed) -> None:
    hour = NOW_MS // HOUR_MS * 3_600
    rows = [bar(hour), bar(hour - 3_600), bar(hour - 7_200), bar(hour - 3_600)]
    stub.answers[""] = answered(rows)
    candles = feed.fetch_candles(LTC_USDT, "1h", 10, NOW_MS)
    assert [candle.opened_ms for candle in candles] == [
        (hour - 7_200) * 1_000,
        (hour - 3_600) * 1_000,
    ]
    assert candles[0] == Candle((hour - 7_200) * 1_000, 9.5, 11.0, 9.0, 10.0, 100.0)


def test_a_bar_closes_at_its_last_millisecond_and_not_before(
    stub: HttpStub, feed: GateFeed
) -> None:
    hour = NOW_MS // HOUR_MS * 3_600
    stub.answers[""] = answered([bar(hour)])
    closes_ms = (hour + 3_600) * 1_000
    assert feed.fetch_candles(LTC_USDT, "1h", 10, closes_ms - 1) == []
    assert len(feed.fetch_candles(LTC_USDT, "1h", 10, closes_ms)) == 1


def test_a_bar_that_gate_says_is_open_is_dropped_whatever_our_clock_says(
    stub: HttpStub, feed: GateFeed
) -> None:
    hour = NOW_MS // HOUR_MS * 3_600
    stub.answers[""] = answered([bar(hour - 3_600, closed="false"), bar(hour - 7_200)])
    candles = feed.fetch_candles(LTC_USDT, "1h", 10, NOW_MS)
    assert [candle.opened_ms for candle in candles] == [(hour - 7_200) * 1_000]


def test_no_more_bars_than_asked_for_and_never_more_than_gate_gives(
    stub: HttpStub, feed: GateFeed
) -> None:
    hour = NOW_MS // HOUR_MS * 3_600
    stub.answers[""] = answered([bar(hour - 3_600 * back) for back in range(5)])
    assert len(feed.fetch_candles(LTC_USDT, "1h", 2, NOW_MS)) == 2
    feed.fetch_candles(LTC_USDT, "1h", 5_000, NOW_MS)
    assert [request.path.rpartition("=")[2] for request in stub.received] == ["4", "1000"]


@pytest.mark.parametrize(
    "row",
    [
        ["1700000000", "1", "10", "11", "9", "9.5"],
        ["soon", "1", "10", "11", "9", "9.5", "100"],
        ["0", "1", "10", "11", "9", "9.5", "100"],
        ["1690000000", "1", "10", "11", "9", None, "100"],
        ["1690000000", "1", "nan", "11", "9", "9.5", "100"],
        ["1690000000", "1", "10", "1e999", "9", "9.5", "100"],
        ["1690000000", "1", "12", "11", "9", "9.5", "100"],
        ["1690000000", "1", "10", "11", "0", "9.5", "100"],
        ["1690000000", "1", "10", "11", "9", "9.5", "-100"],
        {"t": 1690000000},
        "1690000000",
    ],
    ids=[
        "short", "no time", "time zero", "null", "nan", "infinite", "close above high",
        "zero", "negative", "dict", "text",
    ],
)  # fmt: skip
def test_a_malformed_candle_makes_the_whole_answer_unavailable(
    row: Any, stub: HttpStub, feed: GateFeed
) -> None:
    stub.answers[""] = answered([bar(1_690_003_600), row])
    with pytest.raises(ExchangeUnavailable, match="spot/candlesticks LTC/USDT 1h: unreadable"):
        feed.fetch_candles(LTC_USDT, "1h", 10, NOW_MS)


def test_a_bar_that_opened_on_the_way_costs_none_of_those_asked_for(
    stub: HttpStub, feed: GateFeed
) -> None:
    hour = NOW_MS // HOUR_MS * 3_600
    stub.answers[""] = answered([bar(hour + 3_600 - 3_600 * back) for back in range(5)])
    assert len(feed.fetch_candles(LTC_USDT, "1h", 3, NOW_MS)) == 3
    assert stub.received[0].path.endswith("limit=5")


def test_two_candles_that_differ_about_one_bar_are_not_chosen_between(
    stub: HttpStub, feed: GateFeed
) -> None:
    stub.answers[""] = answered([bar(1_690_000_000, "10"), bar(1_690_000_000, "10.1")])
    with pytest.raises(ExchangeUnavailable, match="two different candles"):
        feed.fetch_candles(LTC_USDT, "1h", 10, NOW_MS)


def test_the_depth_is_read_level_by_level(stub: HttpStub, feed: GateFeed) -> None:
    book = {"asks": [["1.52", "1.151"], ["1.53", "1.218"]], "bids": [["1.17", "201.863"]]}
    stub.answers[""] = answered({"id": 123456, "current": 1_623_898_993_123, **book})
    depth = feed.fetch_depth(LTC_USDT)
    assert depth.asks[0] == Level(Decimal("1.52"), Decimal("1.151"))
    assert depth.bids == (Level(Decimal("1.17"), Decimal("201.863")),)


@pytest.mark.parametrize(
    "book",
    [
        {"asks": [["1.53", "1"], ["1.52", "1"]], "bids": []},
        {"asks": [], "bids": [["1.16", "1"], ["1.17", "1"]]},
        {"asks": [["1.52", "1"]], "bids": [["1.52", "1"]]},
        {"asks": [["1.52"]], "bids": []},
        {"asks": [["0", "1"]], "bids": []},
        {"asks": None, "bids": []},
        {"asks": []},
    ],
    ids=["asks fall", "bids rise", "crossed", "no size", "zero", "null", "no bids"],
)
def test_a_malformed_depth_is_unavailable(book: Any, stub: HttpStub, feed: GateFeed) -> None:
    stub.answers[""] = answered(book)
    with pytest.raises(ExchangeUnavailable, match="spot/order_book LTC/USDT"):
        feed.fetch_depth(LTC_USDT)


def test_rules_are_read_from_gates_raw_fields(stub: HttpStub, feed: GateFeed) -> None:
    stub.answers["/spot/currency_pairs/LTC_USDT"] = answered(
        {**LTC_PAIR, "trade_status": "sellable", "delisting_time": 1_700_000_000}
    )
    rules = feed.fetch_rules(LTC_USDT, NOW_MS)
    assert rules.amount_step_base == Decimal("0.001")
    assert rules.price_step_quote == Decimal("0.01")
    assert (rules.amount_base_min, rules.amount_quote_min) == (Decimal("0.001"), Decimal(3))
    assert (rules.trade_status, rules.may_buy, rules.may_sell) == ("sellable", False, True)
    assert rules.delisting_ms == 1_700_000_000_000
    assert rules.taker_fee_rate == Decimal("0.002")
    assert rules.read_ms == NOW_MS
    assert len(stub.received) == 1


def test_a_pair_marked_as_risky_may_be_sold_but_not_bought(stub: HttpStub, feed: GateFeed) -> None:
    stub.answers[""] = answered({**LTC_PAIR, "st_tag": True})
    assert feed.fetch_rules(LTC_USDT, NOW_MS).trade_status is TradeStatus.SELLABLE


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "BTC_USDT"},
        {"trade_status": "paused"},
        {"amount_precision": None},
        {"amount_precision": 99},
        {"amount_precision": -3},
        {"min_quote_amount": "three"},
    ],
    ids=["another pair", "status", "null", "absurd", "negative", "words"],
)
def test_rules_that_make_no_sense_are_unavailable(
    wrong: Any, stub: HttpStub, feed: GateFeed
) -> None:
    stub.answers[""] = answered({**LTC_PAIR, **wrong})
    with pytest.raises(ExchangeUnavailable, match="spot/currency_pairs LTC/USDT: unreadable"):
        feed.fetch_rules(LTC_USDT, NOW_MS)


@pytest.mark.parametrize("body", [{"currency_pair": "LTC_USDT"}, ["LTC_USDT"], [{}]])
def test_tickers_in_another_shape_are_unavailable_for_all(
    body: Any, stub: HttpStub, feed: GateFeed
) -> None:
    stub.answers[""] = answered(body)
    with pytest.raises(ExchangeUnavailable, match="spot/tickers: unreadable"):
        feed.fetch_tickers([LTC_USDT, BTC_USDT])


# --- what goes wrong


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (answered(None, 502, raw=b"<html>bad gateway</html>"), "HTTP 502"),
        (answered(None, raw=b"<html>hello</html>"), "HTTP 200"),
        (answered(None, raw=b""), "HTTP 200"),
        (answered(None, raw=b"null"), "HTTP 200"),
        (answered(None, raw=b'{"server_time": 15970'), "HTTP 200"),
        (answered([1, 2]), "HTTP 200"),
        (answered({"server_time": "soon"}), "HTTP 200"),
        (answered({"server_time": 0}), "HTTP 200"),
        (answered({}), "HTTP 200"),
        (answered({"label": "TOO_BUSY", "message": "later"}), "TOO_BUSY"),
        (answered({"label": "INVALID_PARAM_VALUE", "message": "x"}, 400), "INVALID_PARAM_VALUE"),
        (answered({"label": "NEVER_HEARD_OF", "message": "x"}, 403), "NEVER_HEARD_OF"),
        (answered({}, 500), "HTTP 500"),
        (answered({"label": "TOO_MANY_REQUESTS"}, 429), "HTTP 429, TOO_MANY_REQUESTS"),
        (answered({}, 302, headers="Location: /api/v4/spot/time\r\n"), "TooManyRedirects"),
        (answered({}, 307, headers="Location: /api/v4/spot/time\r\n"), "TooManyRedirects"),
        (broken_gzip(), "gate spot/time"),
        (breaks_off, "gate spot/time"),
        (hangs_up, "gate spot/time"),
        (b"HTTP/1.1 what\r\n\r\n", "gate spot/time"),
    ],
    ids=[
        "html 502", "html 200", "empty", "null", "cut json", "list", "words", "zero", "no field",
        "label in 200", "label in 400", "new label", "500", "429", "302", "307", "broken gzip",
        "breaks off", "hangs up", "no http",
    ],
)  # fmt: skip
def test_whatever_is_not_an_answer_is_unavailable_in_one_line_after_one_request(
    answer: Any, line: str, stub: HttpStub, feed: GateFeed
) -> None:
    stub.answers["/spot/time"] = answer
    with pytest.raises(ExchangeUnavailable) as caught:
        feed.fetch_server_ms()
    told = str(caught.value)
    assert told.startswith("gate spot/time: ")
    assert line in told
    assert "\n" not in told
    assert "127.0.0.1" not in told
    assert len(stub.received) == 1


def test_the_trace_id_is_told_for_gates_support(stub: HttpStub, feed: GateFeed) -> None:
    stub.answers[""] = answered({"label": "TOO_BUSY"}, 503)
    with pytest.raises(ExchangeUnavailable, match=r"\[HTTP 503, TOO_BUSY, trace trace-7\]"):
        feed.fetch_server_ms()


@pytest.mark.parametrize("behaviour", [hangs, drips], ids=["hangs", "drips"])
def test_the_deadline_is_for_the_whole_call_and_the_next_call_starts_afresh(
    behaviour: Any, stub: HttpStub, client_of: ClientOf, clock: ManualClock
) -> None:
    feed = GateFeed(client_of(wait_ms=60_000, deadline_ms=800), clock)
    stub.answers["/spot/time"] = behaviour
    began = time.monotonic()
    with pytest.raises(ExchangeUnavailable, match="no answer in 800 ms"):
        feed.fetch_server_ms()
    assert time.monotonic() - began < 10  # not the sixty seconds that each wait may take
    stub.answers["/spot/time"] = answered({"server_time": 1_597_026_383_085})
    assert feed.fetch_server_ms() == 1_597_026_383_085
    assert len(stub.received) == 2


def test_a_client_that_missed_its_deadline_is_not_used_again(
    stub: HttpStub, client_of: ClientOf
) -> None:
    client = client_of(wait_ms=60_000, deadline_ms=800)

    def exchange_in_use() -> Any:
        return client.call("itself", lambda gate: gate, lambda gate: gate)

    before = exchange_in_use()
    assert exchange_in_use() is before
    stub.answers["/spot/time"] = hangs
    with pytest.raises(ExchangeUnavailable):
        client.call("spot/time", lambda gate: gate.publicSpotGetTime(), lambda answer: answer)
    assert exchange_in_use() is not before


def test_a_failure_is_not_told_with_the_status_of_an_earlier_answer(
    stub: HttpStub, feed: GateFeed
) -> None:
    stub.answers["/spot/time"] = answered({"label": "TOO_BUSY"}, 503)
    with pytest.raises(ExchangeUnavailable, match="TOO_BUSY"):
        feed.fetch_server_ms()
    stub.answers["/spot/time"] = hangs_up
    with pytest.raises(ExchangeUnavailable, match=r"^gate spot/time: [^\[]*$"):
        feed.fetch_server_ms()


def test_silence_is_told_by_the_wait_when_it_is_the_shorter(
    stub: HttpStub, client_of: ClientOf, clock: ManualClock
) -> None:
    feed = GateFeed(client_of(wait_ms=100, deadline_ms=5_000), clock)
    stub.answers["/spot/time"] = hangs
    with pytest.raises(ExchangeUnavailable, match="RequestTimeout from"):
        feed.fetch_server_ms()
    assert len(stub.received) == 1


def test_nobody_listening_is_unavailable(client_of: ClientOf, clock: ManualClock) -> None:
    with HttpStub() as gone:
        url = gone.url
    feed = GateFeed(client_of(base_url=url), clock)
    with pytest.raises(ExchangeUnavailable, match="NetworkError from ConnectionRefusedError"):
        feed.fetch_server_ms()


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def test_no_key_and_no_signature_reaches_a_log_or_an_error(
    stub: HttpStub,
    client_of: ClientOf,
    clock: ManualClock,
    everything_logged: pytest.LogCaptureFixture,
) -> None:
    client = client_of(api_key="my-key-id", api_secret="my-secret")
    broker = GateBroker(client, clock, GateTerms())
    stub.answers[""] = answered({"label": "INVALID_KEY", "message": "my-key-id is unknown"}, 401)
    with pytest.raises(ExchangeRefusesKey) as caught:
        broker.fetch_rules(LTC_USDT, NOW_MS)
    signature = stub.received[0].headers["SIGN"]
    told = str(caught.value) + everything_logged.text
    assert not [secret for secret in ("my-key-id", "my-secret", signature) if secret in told]
    assert "INVALID_KEY" in str(caught.value)


# --- how the client is set up


def test_a_sandbox_client_asks_gates_testnet() -> None:
    client = CcxtClient("gateio", sandbox=True)
    urls = client.call("urls", lambda gate: gate.urls["api"]["public"], lambda urls: urls)
    assert urls["spot"] == "https://api-testnet.gateapi.io/api/v4"
    client.close()


@pytest.mark.parametrize(
    ("name", "wishes", "line"),
    [
        ("gatio", {}, "'gatio' is not an exchange of ccxt"),
        ("binance", {"base_url": "http://127.0.0.1:1"}, "another base URL is for gateio alone"),
        ("kraken", {"sandbox": True}, "kraken has no sandbox at ccxt"),
    ],
)
def test_a_client_that_cannot_be_is_refused_in_one_line(name: str, wishes: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        CcxtClient(name, **wishes)
