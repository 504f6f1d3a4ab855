"""Faults: which requests they strike, and whether the effect happened."""

from typing import Any

import pytest

from crypto_ai_bot.local.exchange.faults import EFFECTS, KINDS, Fault, FaultPlan
from crypto_ai_bot.local.exchange.operator_routes import faults_of
from crypto_ai_bot.local.exchange.wire import Raw, Request
from exchange_grounds import NOW_MS, Client

ORDER = {"currency_pair": "LTC_USDT", "type": "market", "side": "buy", "amount": "5"}
SELL = {"currency_pair": "LTC_USDT", "type": "market", "side": "sell", "amount": "0.1"}
SPOILING = [kind for kind in KINDS if kind not in EFFECTS]


@pytest.fixture
def client() -> Client:
    return Client()


def orders_of(client: Client) -> int:
    return len(client.account.orders)


@pytest.mark.parametrize("kind", SPOILING)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("order", [ORDER, SELL], ids=["buy", "sell"])
def test_before_nothing_happened_and_after_it_did_and_both_look_the_same(
    client: Client, kind: str, when: str, order: dict[str, str]
) -> None:
    client.grounds.strike(kind, method="POST", path="/spot/orders$", when=when)
    spoilt = client.ask("POST", "/spot/orders", order)
    whole = client.ask("POST", "/spot/orders", order)
    assert orders_of(client) == (1 if when == "before" else 2)
    assert (whole.status, whole.delivery.ending) == (201, "whole")
    seen = (spoilt.status.value, spoilt.delivery.ending, isinstance(spoilt.payload, Raw))
    expected = {
        "204": (204, "whole", True),
        "202": (202, "whole", False),
        "empty": (200, "whole", True),
        "null": (200, "whole", False),
        "list": (200, "whole", False),
        "html": (502, "whole", True),
        "label": (500, "whole", False),
        "redirect": (307, "whole", True),
        "429": (429, "whole", False),
        "slow": (200 if when == "before" else 201, "whole", False),
    }
    default = (200 if when == "before" else 201, kind, False)
    assert seen == expected.get(kind, default)
    entries = [(e.fault, e.when, e.status) for e in client.grounds.line.log.entries]
    assert entries == [(kind, when, 201 if when == "after" else None), ("", "", 201)]


def test_a_late_request_takes_effect_when_it_arrives(client: Client) -> None:
    client.grounds.strike("late_apply", method="POST", seconds=5)
    lost = client.ask("POST", "/spot/orders", {**ORDER, "text": "t-late"})
    assert lost.delivery.ending == "fin"
    client.clock.advance(4_999)
    assert client.get("/spot/orders?status=finished") == []
    client.clock.advance(10_000)
    (row,) = client.get("/spot/orders?status=finished")
    assert (row["text"], row["create_time_ms"]) == ("t-late", NOW_MS + 5_000)
    assert client.grounds.line.log.entries[0].late_ms == NOW_MS + 5_000


@pytest.mark.parametrize(
    ("seconds", "exptime_ms", "applied"), [(2, 3_000, 1), (3, 3_000, 1), (3.001, 3_000, 0)]
)
def test_a_late_request_whose_time_has_passed_takes_no_effect(
    client: Client, seconds: float, exptime_ms: int, applied: int
) -> None:
    client.grounds.strike("late_apply", method="POST", seconds=seconds, answer="hang")
    headers = {"x-gate-exptime": str(NOW_MS + exptime_ms)}
    lost = client.ask("POST", "/spot/orders", ORDER, **headers)
    assert lost.delivery.ending == "hang"
    client.clock.advance(60_000)
    client.get("/_market/state")
    assert orders_of(client) == applied


def test_a_late_request_is_judged_by_its_timestamp_too(client: Client) -> None:
    client.grounds.strike("late_apply", method="POST", seconds=61)
    client.ask("POST", "/spot/orders", ORDER)
    client.clock.advance(120_000)
    client.get("/spot/accounts")
    assert orders_of(client) == 0
    assert client.grounds.line.log.entries[0].status == 403


def test_late_requests_arrive_in_their_order_and_among_what_else_happens(client: Client) -> None:
    client.grounds.strike("late_apply", method="POST", seconds=9)
    client.grounds.strike("late_apply", method="POST", seconds=3)
    for text in ("t-nine", "t-three"):
        client.ask("POST", "/spot/orders", {**ORDER, "text": text})
    client.clock.advance(20_000)
    rows = client.get("/spot/orders?status=finished")
    assert [row["text"] for row in rows] == ["t-nine", "t-three"]
    assert [row["create_time_ms"] - NOW_MS for row in rows] == [9_000, 3_000]


@pytest.mark.parametrize(("answer", "ending"), [(None, "whole"), ("rst", "rst")])
def test_a_doubled_request_takes_effect_twice(client: Client, answer: Any, ending: str) -> None:
    client.grounds.strike("duplicate_apply", method="POST", answer=answer)
    told = client.ask("POST", "/spot/orders", {**ORDER, "text": "t-x"})
    assert (told.status, told.delivery.ending) == (201, ending)
    assert [o.wish.text for o in client.account.orders.values()] == ["t-x", "t-x"]
    entries = client.grounds.line.log.entries
    assert [e.status for e in entries] == [201, 201]


def test_a_skewed_server_clock_shows_in_its_time_and_refuses_honest_requests(
    client: Client,
) -> None:
    client.grounds.strike("skew", ms=70_000, n=2)
    time = client.get("/spot/time")
    assert time == {"server_time": NOW_MS + 70_000}
    assert client.refusal("GET", "/spot/accounts") == (403, "REQUEST_EXPIRED")
    assert client.ask("GET", "/spot/accounts").status == 200


def test_a_rule_skips_strikes_and_is_spent() -> None:
    plan = FaultPlan([Fault(kind="rst", path="orders", skip=2, n=2), Fault(kind="fin", n=0)])
    request = Request("POST", "/api/v4/spot/orders")
    kinds = [fault.kind for _ in range(6) if (fault := plan.strike(request))]
    assert kinds == ["fin", "fin", "rst", "rst", "fin", "fin"]
    other = plan.strike(Request("GET", "/api/v4/spot/time"))
    assert other is not None
    assert other.kind == "fin"


@pytest.mark.parametrize(
    ("rule", "strikes"),
    [
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"path": "/spot/orders$"}, True),
        ({"path": "price_orders"}, False),
        ({"body": '"side": "buy"'}, True),
        ({"body": '"side": "sell"'}, False),
    ],
)
def test_a_rule_meets_by_method_path_and_body(rule: dict[str, Any], strikes: bool) -> None:  # noqa: FBT001 - a column of the table
    request = Request("POST", "/api/v4/spot/orders", body=b'{"side": "buy"}')
    assert (FaultPlan([Fault(kind="rst", **rule)]).strike(request) is not None) is strikes


def test_chance_strikes_about_as_often_as_it_is_told_and_the_same_for_a_seed() -> None:
    def struck(seed: int) -> list[bool]:
        plan = FaultPlan([Fault(kind="rst", probability=0.05, seed=seed)])
        request = Request("GET", "/")
        return [plan.strike(request) is not None for _ in range(4_000)]

    assert 150 < sum(struck(1)) < 250
    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


def test_rules_are_added_shown_and_cleared_over_the_wire(client: Client) -> None:
    rule = {"kind": "html", "path": "/spot/accounts", "code": 503, "n": 2}
    client.post("/_market/faults", {"rules": [rule]})
    assert client.ask("GET", "/spot/accounts").status == 503
    (shown,) = client.get("/_market/faults")
    assert (shown["kind"], shown["met"], shown["struck"]) == ("html", 1, 1)
    assert client.ask("DELETE", "/_market/faults").payload == []
    assert client.ask("GET", "/spot/accounts").status == 200


def test_the_request_log_tells_what_was_asked_and_what_became_of_it(client: Client) -> None:
    client.grounds.strike("label", method="POST", when="after", code=503, label="TOO_BUSY")
    client.ask("POST", "/spot/orders", {**ORDER, "text": "t-1"}, **{"x-gate-exptime": "9" * 13})
    client.get("/spot/time?x=1")
    first, second = client.get("/_market/requests")
    assert (first["method"], first["path"], first["status"]) == ("POST", "/api/v4/spot/orders", 201)
    assert (first["fault"], first["when"], first["at_ms"]) == ("label", "after", NOW_MS)
    assert '"t-1"' in first["body"]
    assert first["headers"].keys() == {"timestamp", "x-gate-exptime"}
    assert (second["query"], second["number"]) == ("x=1", 2)
    assert len(client.get("/_market/requests?method=POST&path=orders")) == 1
    assert client.ask("DELETE", "/_market/requests").payload == []
    assert client.get("/_market/requests") == []


@pytest.mark.parametrize("text", ["{", "5", '{"rules": 5}', '[{"kind": "rst", "n": "x"}]', "[1]"])
def test_a_file_of_rules_that_is_none_is_told_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as refusal:
        faults_of(text)
    assert "\n" not in str(refusal.value)


def test_latency_is_added_to_every_answer(client: Client) -> None:
    client.grounds.switch(latency_ms_least=20, latency_ms_most=40)
    waits = {client.ask("GET", "/spot/time").delivery.wait_seconds for _ in range(20)}
    assert len(waits) == 20
    assert all(0.02 <= wait <= 0.04 for wait in waits)
