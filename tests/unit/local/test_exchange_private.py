"""Gate's private endpoints in process: checks in their order, orders, listings, switches."""

from typing import Any

import pytest

from crypto_ai_bot.local.exchange.hall import NewKey
from exchange_grounds import NOW_MS, Client

NOW_S = NOW_MS // 1000
ORDER = {"currency_pair": "LTC_USDT", "type": "market", "side": "buy", "amount": "5"}
PAIR = "currency_pair=LTC_USDT"


@pytest.fixture
def client() -> Client:
    return Client()


def test_the_checks_come_in_gates_order(client: Client) -> None:
    stale = str(NOW_S - 61)
    wrong: dict[str, str] = {"timestamp": stale, "key": "nobody", "sign": "0"}
    for without in ("key", "timestamp", "sign"):
        headers = {**wrong, without: ""}
        assert client.refusal("GET", "/spot/accounts", **headers) == (
            400,
            "MISSING_REQUIRED_HEADER",
        )
    assert client.refusal("GET", "/spot/accounts", **wrong) == (403, "REQUEST_EXPIRED")
    del wrong["timestamp"]
    assert client.refusal("GET", "/spot/accounts", **wrong) == (401, "INVALID_KEY")
    assert client.refusal("GET", "/spot/accounts", sign="0") == (401, "INVALID_SIGNATURE")
    assert client.refusal("GET", "/spot/no") == (404, "NOT_FOUND")
    assert client.refusal("GET", "/spot/no", sign="0") == (401, "INVALID_SIGNATURE")
    assert client.refusal("PATCH", "/spot/accounts") == (405, "METHOD_NOT_ALLOWED")
    assert client.refusal("POST", "/spot/orders", b"{") == (400, "INVALID_REQUEST_BODY")
    assert client.refusal("POST", "/spot/orders", []) == (400, "INVALID_REQUEST_BODY")


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_timestamp_a_minute_off_still_counts(client: Client, seconds: int) -> None:
    assert client.ask("GET", "/spot/accounts", timestamp=str(NOW_S + seconds)).status == 200
    beyond = str(NOW_S + seconds + seconds // 60)
    assert client.refusal("GET", "/spot/accounts", timestamp=beyond) == (403, "REQUEST_EXPIRED")


@pytest.mark.parametrize(
    ("rights", "method", "target", "refusal"),
    [
        ({"permissions": {"spot": "r"}}, "POST", "/spot/orders", (403, "READ_ONLY")),
        ({"permissions": {"spot": "r"}}, "DELETE", f"/spot/orders?{PAIR}", (403, "READ_ONLY")),
        ({"permissions": {"spot": "rw"}}, "GET", "/account/detail", (403, "FORBIDDEN")),
        ({"permissions": {"account": "r"}}, "GET", "/spot/accounts", (403, "FORBIDDEN")),
        ({"ip_whitelist": ["192.0.2.1"]}, "GET", "/spot/accounts", (403, "IP_FORBIDDEN")),
        ({"state": "locked"}, "GET", "/spot/accounts", (403, "ACCOUNT_LOCKED")),
        ({"state": "expired"}, "GET", "/spot/accounts", (401, "INVALID_KEY")),
    ],
)
def test_a_key_does_what_it_may(
    client: Client, rights: dict[str, Any], method: str, target: str, refusal: tuple[int, str]
) -> None:
    made = {"key": "other", "secret": "hidden", "balances": {}, "of_key": "key", **rights}
    client.post("/_market/accounts", made, 201)
    client.key, client.secret = "other", "hidden"
    assert client.refusal(method, target, ORDER if method == "POST" else None) == refusal
    client.key, client.secret = "key", "secret"
    assert client.ask("GET", target).status == 200 if method == "GET" else True


def test_what_a_key_may_do_is_told(client: Client) -> None:
    rights = {"permissions": {"spot": "rw", "account": "r"}, "of_key": "key", "balances": {}}
    client.post("/_market/accounts", {"key": "narrow", "secret": "s", **rights}, 201)
    rows = {row["key"]: row for row in client.get("/account/main_keys")}
    assert rows["narr*****"]["perms"] == [
        {"name": "spot", "read_only": False},
        {"name": "account", "read_only": True},
    ]
    detail = client.get("/account/detail")
    assert (detail["key"], detail["user_id"]) == ({"mode": 1}, rows["key*****"]["user_id"])


def test_an_order_that_comes_too_late_is_refused(client: Client) -> None:
    in_time = {"x-gate-exptime": str(NOW_MS)}
    assert client.ask("POST", "/spot/orders", ORDER, **in_time).status == 201
    late = {"x-gate-exptime": str(NOW_MS - 1)}
    assert client.refusal("POST", "/spot/orders", ORDER, **late) == (400, "REQUEST_EXPIRED")
    client.grounds.switch(exptime_status=403, exptime_label="EXPIRED")
    assert client.refusal("POST", "/spot/orders", ORDER, **late) == (403, "EXPIRED")
    assert client.refusal("DELETE", f"/spot/orders?{PAIR}", **late) == (403, "EXPIRED")
    assert client.ask("GET", "/spot/accounts", **late).status == 200
    assert client.refusal("POST", "/spot/orders", ORDER, **{"x-gate-exptime": "soon"})[0] == 400
    assert len(client.account.orders) == 1


@pytest.mark.parametrize(
    ("change", "label", "told"),
    [
        ({"currency_pair": "NO_USDT", "text": "bad"}, "INVALID_CURRENCY_PAIR", "NO_USDT"),
        ({"text": "bad", "side": "up"}, "INVALID_PARAM_VALUE", "`text` with value: bad"),
        ({"text": "t-a b"}, "INVALID_PARAM_VALUE", "`text`"),
        ({"text": "t-" + "a" * 29}, "INVALID_PARAM_VALUE", "`text`"),
        ({"side": "up", "amount": "x"}, "INVALID_PARAM_VALUE", "`side`"),
        ({"side": None}, "MISSING_REQUIRED_PARAM", "side"),
        ({"time_in_force": "gtc"}, "INVALID_PARAM_VALUE", "`time_in_force`"),
        ({"amount": "-5"}, "INVALID_PARAM_VALUE", "`amount`"),
        ({"amount": "NaN"}, "INVALID_PARAM_VALUE", "`amount`"),
        ({"amount": "1e40"}, "INVALID_PARAM_VALUE", "`amount`"),
        ({"amount": True}, "INVALID_PARAM_VALUE", "`amount`"),
        ({"stp_act": "cn"}, "INVALID_PARAM_VALUE", "`stp_act`"),
        ({"account": "margin"}, "MARGIN_NOT_SUPPORTED", "margin"),
        ({"account": "unified"}, "INVALID_PARAM_VALUE", "`account`"),
        ({"action_mode": "SLOW"}, "INVALID_PARAM_VALUE", "`action_mode`"),
        ({"amount": "2.9"}, "INVALID_PARAM_VALUE", "2.9 USDT is too small. The minimum is 3 USDT"),
        ({"amount": "1001"}, "BALANCE_NOT_ENOUGH", "Not enough balance"),
    ],
)
def test_an_order_is_refused_for_the_first_thing_wrong_with_it(
    client: Client, change: dict[str, Any], label: str, told: str
) -> None:
    answer = client.ask("POST", "/spot/orders", {**ORDER, **change})
    assert answer.status == 400
    assert isinstance(answer.payload, dict)
    assert answer.payload["label"] == label
    assert told in answer.payload["message"]
    assert not client.account.orders


def test_the_same_text_twice_is_two_orders_unless_the_switch_says_otherwise(
    client: Client,
) -> None:
    first, second = (
        client.limit("buy", "1", "50", text="t-x"),
        client.limit("buy", "1", "51", text="t-x"),
    )
    assert first["id"] != second["id"]
    assert client.get(f"/spot/orders/t-x?{PAIR}")["id"] == second["id"]
    client.grounds.switch(text_unique=True)
    form = {"currency_pair": "LTC_USDT", "side": "buy", "amount": "1", "price": "50", "text": "t-x"}
    assert client.refusal("POST", "/spot/orders", form) == (400, "DUPLICATE_REQUEST")


@pytest.mark.parametrize(
    ("lookup", "at_once", "later"),
    [("open_only", 404, 404), ("window", 200, 404), ("always", 200, 200)],
)
def test_a_finished_order_is_found_by_its_text_as_the_switch_says(
    client: Client, lookup: str, at_once: int, later: int
) -> None:
    client.grounds.switch(text_lookup=lookup)
    order = client.buy(text="t-mine")
    assert client.ask("GET", f"/spot/orders/t-mine?{PAIR}").status == at_once
    client.clock.advance(3_600_001)
    assert client.ask("GET", f"/spot/orders/t-mine?{PAIR}").status == later
    assert client.get(f"/spot/orders/{order['id']}?{PAIR}")["text"] == "t-mine"
    if later == 404:
        told = client.refusal("GET", f"/spot/orders/t-mine?{PAIR}")
        assert told == (404, "CLIENT_ID_NOT_FOUND")


def test_an_order_that_is_not_there(client: Client) -> None:
    order = client.buy()
    for target, refusal in (
        (f"/spot/orders/1?{PAIR}", (404, "ORDER_NOT_FOUND")),
        (f"/spot/orders/{order['id']}?currency_pair=BTC_USDT", (404, "ORDER_NOT_FOUND")),
        (f"/spot/orders/{order['id']}.0?{PAIR}", (400, "INVALID_PARAM_VALUE")),
        (f"/spot/orders/{order['id']}", (400, "MISSING_REQUIRED_PARAM")),
        (f"/spot/orders/{'9' * 30}?{PAIR}", (404, "ORDER_NOT_FOUND")),
    ):
        assert client.refusal("GET", target) == refusal
    target = f"/spot/orders/{order['id']}?{PAIR}"
    assert client.refusal("DELETE", target) == (400, "ORDER_CLOSED")


def test_finished_orders_are_listed_by_their_end_newest_first(client: Client) -> None:
    orders = []
    for _ in range(4):
        orders.append(client.buy()["id"])
        client.clock.advance(10_000)
    client.limit("buy", "1", "50")

    def listed(query: str = "") -> list[str]:
        return [row["id"] for row in client.get(f"/spot/orders?status=finished{query}")]

    assert listed() == listed(f"&{PAIR}") == orders[::-1]
    assert listed("&limit=2&page=2") == orders[1::-1]
    assert listed(f"&from={NOW_S + 10}&to={NOW_S + 20}") == [orders[2], orders[1]]
    assert listed(f"&from={NOW_S + 11}&to={NOW_S + 19}") == []
    assert listed("&side=sell") == []
    assert client.refusal("GET", "/spot/orders?status=done")[0] == 400
    assert client.refusal("GET", "/spot/orders?status=open")[1] == "MISSING_REQUIRED_PARAM"
    assert client.refusal("GET", f"/spot/orders?status=open&{PAIR}&limit=101")[0] == 400
    assert len(client.get(f"/spot/orders?status=open&{PAIR}")) == 1


def test_open_orders_are_grouped_by_pair(client: Client) -> None:
    ids = [client.limit("buy", "1", price)["id"] for price in ("50", "51")]
    bitcoin = {"currency_pair": "BTC_USDT", "side": "buy", "amount": "0.001", "price": "50000"}
    client.post("/spot/orders", bitcoin, 201)
    groups = {row["currency_pair"]: row for row in client.get("/spot/open_orders")}
    assert [row["id"] for row in groups["LTC_USDT"]["orders"]] == ids[::-1]
    assert {name: row["total"] for name, row in groups.items()} == {"LTC_USDT": 2, "BTC_USDT": 1}
    assert len(client.get(f"/spot/open_orders?{PAIR}")) == 1


def test_listings_and_balances_lag_as_long_as_the_switches_say(client: Client) -> None:
    client.grounds.switch(order_list_lag_ms=5_000, trade_lag_ms=9_000, balance_lag_ms=3_000)
    client.buy()
    client.limit("buy", "1", "50")

    def seen() -> tuple[int, int, int, bool]:
        balances = {row["currency"]: row["available"] for row in client.get("/spot/accounts")}
        return (
            len(client.get("/spot/orders?status=finished")),
            len(client.get("/spot/open_orders")),
            len(client.get("/spot/my_trades")),
            balances["USDT"] != "1000",
        )

    client.clock.advance(2_999)
    # The deposits of this test are as fresh as the order, so nothing is held that long ago.
    assert seen()[:3] == (0, 0, 0)
    client.clock.advance(1)
    assert seen() == (0, 0, 0, True)
    client.clock.advance(2_000)
    assert seen() == (1, 1, 0, True)
    client.clock.advance(4_000)
    assert seen() == (1, 1, 1, True)


def test_orders_that_filled_nothing_vanish_when_the_switch_says_so(client: Client) -> None:
    client.grounds.switch(zero_fill_vanish_ms=60_000)
    form = {"currency_pair": "LTC_USDT", "side": "buy", "amount": "1", "price": "60"}
    empty = client.post("/spot/orders", {**form, "time_in_force": "ioc"}, 201)
    full = client.buy()
    assert (empty["status"], empty["finish_as"]) == ("cancelled", "ioc")

    def listed() -> list[str]:
        return [row["id"] for row in client.get("/spot/orders?status=finished")]

    client.clock.advance(59_999)
    assert listed() == [full["id"], empty["id"]]
    client.clock.advance(1)
    assert listed() == [full["id"]]


def test_trades_carry_the_order_and_its_text(client: Client) -> None:
    order = client.buy("100", "t-mine")
    rows = client.get(f"/spot/my_trades?{PAIR}&order_id={order['id']}")
    assert [row["price"] for row in rows] == ["64.05", "64.03"]
    assert {row["text"] for row in rows} == {"t-mine"}
    assert {row["role"] for row in rows} == {"taker"}
    assert rows[0]["create_time_ms"] == f"{NOW_MS}.000000"
    assert client.refusal("GET", f"/spot/my_trades?order_id={order['id']}")[0] == 400
    month = 30 * 86_400
    assert client.refusal("GET", f"/spot/my_trades?from=0&to={month + 1}")[0] == 400
    assert client.get(f"/spot/my_trades?from=0&to={month}") == []
    client.clock.advance(7 * 86_400_000)
    assert len(client.get("/spot/my_trades")) == 2
    client.clock.advance(1_000)
    assert client.get("/spot/my_trades") == []
    assert len(client.get(f"/spot/my_trades?from={NOW_S}")) == 2


def test_the_three_ways_of_being_answered(client: Client) -> None:
    short = client.post("/spot/orders", {**ORDER, "action_mode": "ACK"}, 201)
    assert set(short) == {"id", "text", "amend_text"}
    middle = client.post("/spot/orders", {**ORDER, "action_mode": "RESULT"}, 201)
    assert {"filled_total", "finish_as"} < set(middle)
    assert not {"fee", "filled_amount"} & set(middle)


def test_cancelling_one_all_and_many(client: Client) -> None:
    ids = [client.limit("buy", "1", "50", text=f"t-{n}")["id"] for n in range(4)]
    one = client.ask("DELETE", f"/spot/orders/t-0?{PAIR}").payload
    assert isinstance(one, dict)
    assert (one["id"], one["status"], one["finish_as"]) == (ids[0], "cancelled", "cancelled")
    told = client.refusal("DELETE", f"/spot/orders/{ids[0]}?{PAIR}")
    assert told == (400, "ORDER_CANCELLED")
    batch = [{"id": x, "currency_pair": "LTC_USDT"} for x in (ids[1], "t-2", ids[0], "77")]
    rows = client.post("/spot/cancel_batch_orders", batch)
    assert [row["succeeded"] for row in rows] == [True, True, False, False]
    assert [row["label"] for row in rows] == ["", "", "ORDER_CANCELLED", "ORDER_NOT_FOUND"]
    assert rows[1]["id"] == ids[2]
    left = client.ask("DELETE", f"/spot/orders?{PAIR}").payload
    assert isinstance(left, list)
    assert [(row["id"], row["succeeded"]) for row in left] == [(ids[3], True)]
    assert client.account.holding("USDT").available == 1000


def test_a_batch_of_orders_is_answered_one_by_one(client: Client) -> None:
    forms = [{**ORDER, "text": "t-1"}, {**ORDER, "text": "t-2", "amount": "1"}]
    rows = client.post("/spot/batch_orders", forms)
    assert [(r["text"], r["succeeded"], r["label"]) for r in rows] == [
        ("t-1", True, ""),
        ("t-2", False, "INVALID_PARAM_VALUE"),
    ]
    assert client.refusal("POST", "/spot/batch_orders", [ORDER])[0] == 400
    assert client.refusal("POST", "/spot/batch_orders", [{**ORDER, "text": "t-1"}] * 11)[0] == 400


def test_an_order_is_amended_by_a_patch(client: Client) -> None:
    order = client.limit("buy", "1", "50")
    target = f"/spot/orders/{order['id']}?{PAIR}"
    answer = client.ask("PATCH", target, {"amount": "2", "price": "51"})
    assert isinstance(answer.payload, dict)
    assert (answer.payload["amount"], answer.payload["left"]) == ("2", "2")
    assert client.account.holding("USDT").locked == 102
    assert client.refusal("PATCH", target, {}) == (400, "MISSING_REQUIRED_PARAM")
    assert client.refusal("PATCH", target, {"amount": "2.0001"}) == (400, "INVALID_PRECISION")


def test_fees_are_read_and_set(client: Client) -> None:
    assert client.get("/wallet/fee")["taker_fee"] == client.get("/spot/fee")["taker_fee"] == "0.002"
    assert client.get("/account/debit_fee") == {"enabled": False}
    client.post("/account/debit_fee", {"enabled": True})
    fee = client.get(f"/wallet/fee?{PAIR}")
    assert (fee["gt_discount"], fee["gt_taker_fee"], fee["debit_fee"]) == (True, "0.0015", 1)
    assert client.buy()["fee"] == "0.000156", "there is no GT to pay with"
    client.post("/_market/orders", {"key": "key", "deposit": {"GT": "5"}})
    paid = client.buy()
    assert (paid["fee"], paid["gt_discount"], paid["gt_fee"]) == ("0", True, "0.000749151")


def test_a_unified_account_is_told_apart(client: Client) -> None:
    assert client.refusal("GET", "/unified/accounts") == (400, "USER_NOT_FOUND")
    made = {"key": "whole", "secret": "s", "balances": {"USDT": "50"}, "unified": True}
    client.post("/_market/accounts", made, 201)
    client.key, client.secret = "whole", "s"
    assert client.get("/account/detail")["key"] == {"mode": 2}
    assert client.get("/unified/accounts")["balances"]["USDT"]["available"] == "50"
    assert client.buy()["account"] == "unified"


STOP: dict[str, Any] = {
    "market": "LTC_USDT",
    "trigger": {"price": "60", "rule": "<=", "expiration": 86400, "text": "t-sl1"},
    "put": {"type": "limit", "side": "sell", "price": "59", "amount": "1", "account": "normal"},
    "expiration": 1,
}


def test_a_stop_fires_as_the_market_falls_and_points_to_its_order() -> None:
    client = Client(62.0, 60.0, 55.0)
    number = client.post("/spot/price_orders", STOP, 201)["id"]
    assert client.get("/spot/price_orders?status=open&market=LTC_USDT")[0]["id"] == number
    client.clock.advance(3 * 60_000)
    row = client.get(f"/spot/price_orders/{number}")
    assert (row["status"], type(row["fired_order_id"])) == ("finish", int)
    fired = client.get(f"/spot/orders/{row['fired_order_id']}?{PAIR}")
    assert (fired["status"], fired["text"], fired["filled_amount"]) == ("closed", "apiv4", "1")
    assert row["ftime"] == NOW_S // 60 * 60 + 120, "in the minute whose price was 60"
    assert client.get("/spot/price_orders?status=open") == []
    assert len(client.get("/spot/price_orders?status=finished")) == 1
    assert client.refusal("DELETE", f"/spot/price_orders/{number}") == (400, "ORDER_CLOSED")


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("put", {"price": None}, "put.price"),
        ("put", {"price": "0"}, "`price`"),
        ("put", {"type": "market"}, "put.type"),
        ("put", {"account": "spot"}, "put.account"),
        ("put", {"time_in_force": "fok"}, "put.time_in_force"),
        ("trigger", {"rule": "<"}, "trigger.rule"),
        ("trigger", {"expiration": 59}, "trigger.expiration invalid range"),
        ("trigger", {"expiration": 2_592_001}, "trigger.expiration invalid range"),
        ("trigger", {"price": "64.02"}, "Trigger.Price must < last_price"),
    ],
)
def test_a_price_order_is_refused(
    client: Client, part: str, change: dict[str, Any], told: str
) -> None:
    form = {**STOP, part: {**STOP[part], **change}}
    answer = client.ask("POST", "/spot/price_orders", form)
    assert answer.status == 400
    assert isinstance(answer.payload, dict)
    assert told in answer.payload["message"]


def test_price_orders_repeat_cancel_and_sell_at_market_by_a_switch(client: Client) -> None:
    client.post("/spot/price_orders", STOP, 201)
    assert client.refusal("POST", "/spot/price_orders", STOP) == (400, "REPEAT_REQUEST")
    client.clock.advance(1_500)
    client.grounds.switch(price_order_market=True)
    put = {"type": "market", "side": "sell", "price": "0", "amount": "1", "account": "normal"}
    number = client.post("/spot/price_orders", {**STOP, "put": put}, 201)["id"]
    assert client.ask("DELETE", f"/spot/price_orders/{number}").status == 200
    row = client.get(f"/spot/price_orders/{number}")
    assert (row["status"], row["put"]["type"]) == ("cancelled", "market")
    cancelled = client.ask("DELETE", "/spot/price_orders?market=LTC_USDT").payload
    assert isinstance(cancelled, list)
    assert len(cancelled) == 1
    assert client.refusal("GET", "/spot/price_orders/1") == (404, "ORDER_NOT_FOUND")


def test_a_countdown_is_told_its_moment(client: Client) -> None:
    body = {"timeout": 30, "currency_pair": "LTC_USDT"}
    order = client.limit("buy", "1", "50")
    told = client.post("/spot/countdown_cancel_all", body)
    assert told == {"triggerTime": str(NOW_MS + 30_000)}
    for timeout in (4, -1, 5.5, "x"):
        bad = {"timeout": timeout}
        assert client.refusal("POST", "/spot/countdown_cancel_all", bad)[0] == 400
    client.clock.advance(30_000)
    row = client.get(f"/spot/orders/{order['id']}?{PAIR}")
    assert (row["status"], row["update_time_ms"]) == ("cancelled", NOW_MS + 30_000)


def test_orders_are_limited_to_ten_a_second_and_market(client: Client) -> None:
    client.grounds.switch(rate_limits=True)
    for left in range(9, -1, -1):
        answer = client.ask("POST", "/spot/orders", ORDER)
        assert answer.headers["X-Gate-RateLimit-Requests-Remain"] == str(left)
    refused = client.ask("POST", "/spot/orders", ORDER)
    assert refused.status == 429
    assert isinstance(refused.payload, dict)
    assert refused.payload["label"] == "TOO_MANY_REQUESTS"
    assert refused.headers["X-Gate-RateLimit-Limit"] == "10"
    assert len(client.account.orders) == 10
    other = {**ORDER, "currency_pair": "BTC_USDT"}
    assert client.ask("POST", "/spot/orders", other).status == 201
    client.clock.advance(1_000)
    assert client.ask("POST", "/spot/orders", ORDER).status == 201
    for _ in range(200):
        assert client.ask("GET", "/spot/accounts").status == 200
    assert client.refusal("GET", "/spot/accounts") == (429, "TOO_MANY_REQUESTS")
    assert client.ask("GET", "/spot/fee").status == 200


def test_while_time_is_held_nobody_is_limited(client: Client) -> None:
    assert {client.ask("POST", "/spot/orders", ORDER).status for _ in range(30)} == {201}


def test_a_pair_is_closed_by_hand_and_shows_it(client: Client) -> None:
    change = {"currency_pair": "LTC_USDT", "trade_status": "sellable", "delisting_s": NOW_S + 9}
    client.post("/_market/pairs", change)
    row = client.get("/spot/currency_pairs/LTC_USDT")
    assert (row["trade_status"], row["delisting_time"]) == ("sellable", NOW_S + 9)
    assert client.refusal("POST", "/spot/orders", ORDER) == (400, "INVALID_CURRENCY_PAIR")
    sale = {**ORDER, "side": "sell", "amount": "1"}
    assert client.ask("POST", "/spot/orders", sale).status == 201


def test_the_owner_trades_deposits_and_withdraws_by_hand(client: Client) -> None:
    by_hand = {"key": "key", "order": {**ORDER, "amount": "10"}, "deposit": {"LTC": "2"}}
    order = client.post("/_market/orders", by_hand)["order"]
    assert (order["text"], order["biz_info"]) == ("web", "web")
    resting = client.limit("buy", "1", "50")["id"]
    client.post("/_market/orders", {"key": "key", "fill": {"id": resting, "amount": "0.5"}})
    client.post("/_market/orders", {"key": "key", "cancel": resting})
    client.post("/_market/orders", {"key": "key", "withdraw": {"LTC": "3"}})
    state = client.get("/_market/state?key=key")["accounts"][0]
    assert [o["status"] for o in state["orders"]] == ["closed", "cancelled"]
    assert state["balances"]["LTC"]["available"] == "9.654688"
    kinds = [row["type"] for row in client.get("/spot/account_book?currency=LTC")]
    assert (kinds[0], kinds[-1]) == ("withdraw", "deposit")


@pytest.mark.parametrize(
    ("target", "body", "told"),
    [
        ("accounts", {"key": "k"}, "secret"),
        ("accounts", {"key": "k", "secret": "s", "balances": {"USDT": "many"}}, "balances.USDT"),
        ("accounts", {"key": "k", "secret": "s", "balances": {}, "of_key": "no"}, "of_key"),
        ("accounts", {"key": "k", "secret": "s", "balances": {}, "mood": 1}, "mood: unknown"),
        ("accounts", [], "a JSON object"),
        ("orders", {"key": "nobody"}, "nobody"),
        ("orders", {"key": "key", "withdraw": {"USDT": "1001"}}, "cannot be moved"),
        ("orders", {"key": "key", "cancel": "5"}, "no order 5"),
        ("pairs", {"currency_pair": "NO_USDT"}, "not listed"),
        ("pairs", {"currency_pair": "LTC_USDT", "base": "X"}, "base: cannot be changed"),
        ("conditions", {"text_lookup": "sometimes"}, "text_lookup"),
        ("conditions", {"weather": 1}, "weather: unknown"),
        ("faults", {"kind": "rst"}, "a list of rules"),
        ("faults", [{"kind": "flood"}], "kind"),
        ("faults", [{"kind": "rst", "path": "("}], "no regular expression"),
        ("faults", [{"kind": "rst", "probability": 2}], "probability"),
        ("faults", [{"kind": "rst", "often": 2}], "often: unknown"),
        ("faults", [{"kind": "html", "code": 42}], "no HTTP status"),
    ],
)
def test_a_control_that_is_misspelt_gets_one_line(
    client: Client, target: str, body: Any, told: str
) -> None:
    answer = client.ask("POST", f"/_market/{target}", body)
    assert answer.status == 400
    assert isinstance(answer.payload, dict)
    assert told in answer.payload["message"]
    assert "\n" not in answer.payload["message"]


def test_controls_are_for_the_loopback_alone(client: Client) -> None:
    request = client.request("GET", "/_market/state")
    from_afar = type(request)(request.method, request.path, peer="192.0.2.7")
    assert client.grounds.line.answer(from_afar).status == 403


def test_switches_are_thrown_and_shown_over_the_wire(client: Client) -> None:
    told = client.post("/_market/conditions", {"text_lookup": "always", "stale_status": 200})
    assert (told["text_lookup"], told["stale_status"]) == ("always", 200)
    assert client.get("/_market/conditions") == told
    stale = client.ask("GET", "/spot/accounts", timestamp="1")
    assert stale.status == 200
    assert isinstance(stale.payload, dict)
    assert stale.payload["label"] == "REQUEST_EXPIRED"


def test_no_secret_is_in_a_log_a_state_or_a_refusal(client: Client) -> None:
    client.buy()
    made = {"key": "new", "secret": "very-hidden", "balances": "very-hidden"}
    refused = client.ask("POST", "/_market/accounts", made)
    client.post("/_market/accounts", {**made, "balances": {}}, 201)
    seen = [refused.payload, client.get("/_market/requests"), client.get("/_market/state")]
    wanted = NewKey("new", "very-hidden", {})
    shown = repr(seen) + repr(client.grounds.hall.keyring.keys) + repr(wanted)
    for hidden in ("very-hidden", "'secret'", client.request("GET", "/spot/fee").headers["sign"]):
        assert hidden not in shown


def test_the_engine_of_2023_tells_orders_as_it_did(client: Client) -> None:
    client.grounds.switch(engine_2023=True)
    row = client.buy()
    assert not {"finish_as", "filled_amount", "stp_id"} & row.keys()
    assert (row["status"], row["create_time_ms"]) == ("cancelled", str(NOW_MS))
    assert len(row["filled_total"].partition(".")[2]) > 5
