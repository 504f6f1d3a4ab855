import json
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest

from crypto_ai_bot.local.exchange.exchange import Exchange, exchange_of
from crypto_ai_bot.local.exchange.market import Market, synthetic_market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Request, Route

NOW_MS = 1_700_000_012_345
PAIRS = ["BTC_USDT", "ETH_USDT", "ADA_USDT", "DOT_USDT", "XYZ_USDC"]


class Desk:
    """Asks the exchange without HTTP."""

    def __init__(self) -> None:
        self.clock = MarketClock(NOW_MS, 0)
        self.market: Market = synthetic_market(PAIRS, seed=7)
        self.exchange = exchange_of(self.market, self.clock)

    def answer(self, target: str, method: str = "GET", body: bytes = b"") -> Answer:
        path, _, query = target.partition("?")
        return self.exchange.answer(Request(method, path, query, {}, body))

    def get(self, target: str) -> Any:
        answer = self.answer("/api/v4" + target)
        assert answer.status == HTTPStatus.OK, answer.payload
        return json.loads(json.dumps(answer.payload))

    def refusal(self, target: str) -> tuple[int, str, str]:
        answer = self.answer("/api/v4" + target)
        assert isinstance(answer.payload, dict)
        assert set(answer.payload) == {"label", "message"}
        return answer.status, answer.payload["label"], answer.payload["message"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_rules_of_known_pairs_are_gates_own(desk: Desk) -> None:
    rows = {row["id"]: row for row in desk.get("/spot/currency_pairs")}
    assert list(rows) == PAIRS
    for pair, price, amount, least in (
        ("BTC_USDT", 1, 6, "0.000001"),
        ("ETH_USDT", 2, 4, "0.001"),
        ("ADA_USDT", 4, 2, "0.01"),
    ):
        row = rows[pair]
        assert (row["precision"], row["amount_precision"]) == (price, amount)
        assert (row["min_base_amount"], row["min_quote_amount"]) == (least, "3")
        assert row["trade_status"] == "tradable"
    assert desk.get("/spot/currency_pairs/ETH_USDT") == rows["ETH_USDT"]
    assert {row["currency"] for row in desk.get("/spot/currencies")} >= {"BTC", "USDT", "USDC"}
    assert [row["id"] for row in desk.get("/margin/currency_pairs")] == PAIRS


def test_every_number_is_a_plain_decimal_string_within_the_pairs_steps(desk: Desk) -> None:
    for row in desk.get("/spot/tickers?timezone=all"):
        rules = desk.market.listings[row["currency_pair"]].rules
        for name, text in row.items():
            if name != "currency_pair":
                assert isinstance(text, str)
                assert "E" not in text.upper()
                assert str(Decimal(text)) == text
        for name in ("last", "lowest_ask", "highest_bid", "high_24h", "low_24h"):
            assert Decimal(row[name]) % Decimal(1).scaleb(-rules.price_decimals) == 0


def test_ticker_book_candle_and_trades_tell_one_story(desk: Desk) -> None:
    for _ in range(40):
        desk.clock.advance(7_777)
        for pair in PAIRS:
            ticker = desk.get(f"/spot/tickers?currency_pair={pair}")[0]
            book = desk.get(f"/spot/order_book?currency_pair={pair}&limit=30&with_id=true")
            candle = desk.get(f"/spot/candlesticks?currency_pair={pair}&interval=1m&limit=1")[0]
            assert [ticker["highest_bid"], ticker["highest_size"]] == book["bids"][0]
            assert [ticker["lowest_ask"], ticker["lowest_size"]] == book["asks"][0]
            bid, last, ask = (Decimal(ticker[n]) for n in ("highest_bid", "last", "lowest_ask"))
            assert bid <= last <= ask
            assert bid < ask < bid * Decimal("1.001")
            assert (candle[2], candle[7]) == (ticker["last"], "false")
            assert Decimal(ticker["low_24h"]) <= Decimal(candle[4])
            assert Decimal(candle[3]) <= Decimal(ticker["high_24h"])


def test_the_book_has_depth_in_order_and_stands_still_with_time(desk: Desk) -> None:
    book = desk.get("/spot/order_book?currency_pair=BTC_USDT&limit=50&with_id=true")
    for side, sign in (("asks", 1), ("bids", -1)):
        prices = [Decimal(price) * sign for price, _ in book[side]]
        assert len(prices) == 50
        assert prices == sorted(set(prices))
        assert all(Decimal(size) > 0 for _, size in book[side])
    assert book == desk.get("/spot/order_book?currency_pair=BTC_USDT&limit=50&with_id=true")
    default = desk.get("/spot/order_book?currency_pair=BTC_USDT")
    assert default["asks"] == book["asks"][:10]
    assert "id" not in default
    desk.clock.advance(1_000)
    later = desk.get("/spot/order_book?currency_pair=BTC_USDT&limit=50&with_id=true")
    assert later["id"] > book["id"]
    assert later["asks"] != book["asks"]


def opens(rows: list[list[str]]) -> list[int]:
    return [int(row[0]) for row in rows]


NOW_S = NOW_MS // 1000
MINUTE_S = NOW_S // 60 * 60


def test_candlesticks_take_a_limit_or_a_window_with_both_ends(desk: Desk) -> None:
    path = "/spot/candlesticks?currency_pair=BTC_USDT&interval=1m"
    assert opens(desk.get(path)) == list(range(MINUTE_S - 99 * 60, MINUTE_S + 1, 60))
    assert len(desk.get(path + "&limit=1000")) == 1000
    first = MINUTE_S - 600
    window = desk.get(f"{path}&from={first}&to={first + 300}")
    assert opens(window) == list(range(first, first + 301, 60))
    assert {row[7] for row in window} == {"true"}
    assert opens(desk.get(f"{path}&from={first + 1}&to={first + 119}")) == [first + 60]
    assert opens(desk.get(f"{path}&from={first}"))[-1] == MINUTE_S
    assert opens(desk.get(f"{path}&to={first}")) == list(range(first - 99 * 60, first + 1, 60))
    assert len(desk.get(f"{path}&from={MINUTE_S - 999 * 60}&to={NOW_S}")) == 1000
    assert opens(desk.get(f"{path}&from={MINUTE_S - 10_000 * 60}&to={MINUTE_S - 9_999 * 60}"))


@pytest.mark.parametrize("interval", ["5m", "15m", "1h", "4h", "1d", "7d"])
def test_longer_candles_are_aggregates_that_stand_on_their_interval(
    desk: Desk, interval: str
) -> None:
    rows = desk.get(f"/spot/candlesticks?currency_pair=BTC_USDT&interval={interval}&limit=3")
    length_s = opens(rows)[1] - opens(rows)[0]
    assert all(t % length_s == 0 for t in opens(rows))
    assert [row[7] for row in rows] == ["true", "true", "false"]
    assert rows[-1][2] == desk.get("/spot/tickers?currency_pair=BTC_USDT")[0]["last"]
    if length_s <= 4 * 3600:
        first = opens(rows)[0]
        minutes = desk.get(
            "/spot/candlesticks?currency_pair=BTC_USDT&interval=1m"
            f"&from={first}&to={first + length_s - 60}"
        )
        assert rows[0][5] == minutes[0][5]
        assert rows[0][2] == minutes[-1][2]
        assert Decimal(rows[0][3]) == max(Decimal(m[3]) for m in minutes)
        assert Decimal(rows[0][4]) == min(Decimal(m[4]) for m in minutes)
        assert Decimal(rows[0][6]) == sum(Decimal(m[6]) for m in minutes)


CANDLES = "/spot/candlesticks?currency_pair=BTC_USDT&interval=1m"


@pytest.mark.parametrize(
    ("target", "status", "label", "told"),
    [
        ("/spot/currency_pairs/NO_USDT", 400, "INVALID_CURRENCY_PAIR", "NO_USDT"),
        ("/spot/tickers?currency_pair=BTCUSDT", 400, "INVALID_CURRENCY_PAIR", "BTCUSDT"),
        ("/spot/tickers?timezone=utc9", 400, "INVALID_PARAM_VALUE", "timezone"),
        ("/spot/order_book", 400, "MISSING_REQUIRED_PARAM", "currency_pair"),
        ("/spot/order_book?currency_pair=BTC_USDT&limit=0", 400, "INVALID_PARAM_VALUE", "limit"),
        ("/spot/order_book?currency_pair=BTC_USDT&limit=1001", 400, "INVALID_PARAM_VALUE", "limit"),
        ("/spot/trades?currency_pair=BTC_USDT&limit=-1", 400, "INVALID_PARAM_VALUE", "limit"),
        ("/spot/candlesticks?interval=1m", 400, "MISSING_REQUIRED_PARAM", "currency_pair"),
        (CANDLES.replace("1m", "7m"), 400, "INVALID_PARAM_VALUE", "interval"),
        (CANDLES.replace("1m", "10s"), 400, "INVALID_PARAM_VALUE", "interval"),
        (CANDLES + "&limit=1001", 400, "INVALID_PARAM_VALUE", "limit"),
        (CANDLES + "&limit=ten", 400, "INVALID_PARAM_VALUE", "limit"),
        (CANDLES + f"&limit=5&from={NOW_S - 60}", 400, "INVALID_PARAM_VALUE", "conflicts"),
        (CANDLES + f"&limit=5&to={NOW_S}", 400, "INVALID_PARAM_VALUE", "conflicts"),
        (CANDLES + f"&from={NOW_S}&to={NOW_S - 60}", 400, "INVALID_PARAM_VALUE", "from"),
        (CANDLES + f"&from={'9' * 17}", 400, "INVALID_PARAM_VALUE", "from"),
        (CANDLES + f"&to={'9' * 5000}", 400, "INVALID_PARAM_VALUE", "to"),
        (
            CANDLES + f"&from={MINUTE_S - 1000 * 60}&to={NOW_S}",
            400,
            "INVALID_PARAM_VALUE",
            "Candlestick range too broad. Maximum 1000 data points are allowed per request",
        ),
        (
            CANDLES + f"&from={MINUTE_S - 10_002 * 60}&to={MINUTE_S - 10_001 * 60}",
            400,
            "INVALID_PARAM_VALUE",
            "Candlestick too long ago. Maximum 10000 points ago are allowed",
        ),
        ("/spot/nothing", 404, "NOT_FOUND", "/api/v4/spot/nothing"),
    ],
)
def test_a_bad_request_is_refused_as_gate_does(
    desk: Desk, target: str, status: int, label: str, told: str
) -> None:
    assert desk.refusal(target)[:2] == (status, label)
    assert told in desk.refusal(target)[2]


def test_a_known_path_with_another_method_is_refused(desk: Desk) -> None:
    answer = desk.answer("/api/v4/spot/time", "DELETE")
    assert (answer.status, answer.payload) == (
        405,
        {"label": "METHOD_NOT_ALLOWED", "message": "Method DELETE not allowed"},
    )


def test_every_answer_carries_gates_headers(desk: Desk) -> None:
    answers = [desk.answer("/api/v4/spot/time"), desk.answer("/nowhere")]
    for answer in answers:
        assert answer.headers["X-In-Time"] == answer.headers["X-Out-Time"] == str(NOW_MS * 1000)
        assert {
            "X-Gate-RateLimit-Requests-Remain",
            "X-Gate-RateLimit-Limit",
            "X-Gate-RateLimit-Reset-Timestamp",
        } < set(answer.headers)
    assert answers[0].headers["X-Gate-Trace-Id"] != answers[1].headers["X-Gate-Trace-Id"]


def test_trades_take_a_limit_and_a_window(desk: Desk) -> None:
    path = "/spot/trades?currency_pair=BTC_USDT"
    newest = desk.get(path)
    assert len(newest) == 100
    assert newest[:7] == desk.get(path + "&limit=7")
    window = desk.get(f"{path}&from={NOW_S - 600}&to={NOW_S - 300}")
    assert {NOW_S - 600 <= int(t["create_time"]) <= NOW_S - 300 for t in window} == {True}
    assert len(window) > 50


def test_the_markets_time_is_told_and_moved_on(desk: Desk) -> None:
    state = desk.answer("/_market").payload
    assert isinstance(state, dict)
    assert (state["time_ms"], state["speed"], state["data_end_ms"]) == (NOW_MS, 0, None)
    assert state["pairs"]["BTC_USDT"] == desk.get("/spot/tickers?currency_pair=BTC_USDT")[0]["last"]
    moved = desk.answer("/_market/advance", "POST", b'{"ms": 60000}').payload
    assert isinstance(moved, dict)
    assert moved["time_ms"] == desk.get("/spot/time")["server_time"] == NOW_MS + 60_000


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"ms": -1}', b'{"ms": 1.5}', b'{"ms": true}', b"\xff"]
)
def test_time_is_not_moved_by_what_is_no_number(desk: Desk, body: bytes) -> None:
    answer = desk.answer("/_market/advance", "POST", body)
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert desk.clock.now_ms() == NOW_MS


def test_checks_stand_before_the_effect() -> None:
    seen: list[str] = []

    def effect(_: Call) -> Answer:
        seen.append("effect")
        return Answer({"id": 1}, HTTPStatus.CREATED)

    def check(route: Route, call: Call) -> None:
        seen.append("check")
        if route.private and not call.query:
            raise RefusedError("FORBIDDEN", "no", HTTPStatus.FORBIDDEN)

    route = Route("POST", "/orders/{id}", effect, private=True)
    exchange = Exchange(MarketClock(0, 0), [route], [check])
    assert exchange.answer(Request("POST", "/orders/7")).status == HTTPStatus.FORBIDDEN
    assert seen == ["check"]
    assert exchange.answer(Request("POST", "/orders/7", "a=1")).status == HTTPStatus.CREATED
    assert seen == ["check", "check", "effect"]
