"""Each row of the table of outcomes (gate-spot 3.1), with the real client and a real socket.

Whatever the server or the network does, one POST is made and the answer says what is proved.
"""

import json
import socket
import ssl
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NameResolutionError

from crypto_ai_bot.brokers import ccxt_client
from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.ccxt_lean import exchange_class
from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
from crypto_ai_bot.brokers.gate_words import REJECTING_LABELS
from crypto_ai_bot.brokers.trial import Door, Reply, Signing, Trial
from crypto_ai_bot.ports.broker import Accepted, Answer, Outcome, Rejected, Unknown
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
)
from unit.brokers.http_stub import (
    Behaviour,
    HttpStub,
    answered,
    broken_gzip,
    closes,
    drips,
    hangs,
    hangs_up,
    resets,
)

RECORDED = Path(__file__).parents[4] / "shared/reference/gate/requests-recorded-ccxt-4.5.90.json"
OUR_BUY = order_row(394120049349)


@pytest.fixture(autouse=True)
def account(stub: HttpStub) -> GateAccount:
    return GateAccount(stub)


@pytest.fixture
def broker(client_of: ClientOf, clock: ManualClock) -> GateBroker:
    client = client_of(**KEYS, wait_ms=600, deadline_ms=2_000)
    return GateBroker(client, clock, GateTerms())


def bought(broker: GateBroker) -> Answer:
    broker.fetch_server_ms()
    return broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS)


def chunked(body: bytes) -> bytes:
    return (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
        + f"{len(body) + 50:x}\r\n".encode()
        + body
    )


def stalls(connection: Any) -> None:
    connection.wfile.write(answered(OUR_BUY, 201)[:-20])
    connection.wait()


def redirects(status: int) -> bytes:
    return answered({}, status, headers="Location: /api/v4/spot/orders\r\n")


WHOLE = json.dumps(OUR_BUY).encode()
NO_LABEL = [400, 401, 403, 404, 405, 408, 409, 410, 417, 418, 422, 429, 451]
NO_LABEL += [500, 501, 502, 503, 504, 511, 520, 521, 522, 524, 525, 526, 530]
SERVER_LABELS = ["SERVER_ERROR", "INTERNAL", "INTERNAL_SERVER_ERROR", "TOO_BUSY", "SERVER_TIMEOUT"]
REPEAT_LABELS = ["REPEAT_REQUEST", "DUPLICATE_REQUEST", "ORDER_EXISTS", "REPEATED_CREATION"]
OTHER_LABELS = ["ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND", "NEVER_HEARD_OF", "no word", "7"]

ROWS: list[tuple[str, bytes | Behaviour, type]] = [
    *((f"{code} id and text", answered(OUR_BUY, code), Accepted) for code in (200, 201, 202)),
    ("202 ACK", answered({"id": "7", "text": OURS, "amend_text": "-"}, 202), Accepted),
    ("201 text of another", answered({**OUR_BUY, "text": "apiv4"}, 201), Unknown),
    ("201 without id", answered({"text": OURS}, 201), Unknown),
    ("201 of another pair", answered({**OUR_BUY, "currency_pair": "BTC_USDT"}, 201), Unknown),
    ("201 HTML", answered(None, 201, raw=b"<html>ok</html>"), Unknown),
    ("201 empty", answered(None, 201, raw=b""), Unknown),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\n", Unknown),
    ("201 null", answered(None, 201), Unknown),
    ("201 list", answered([OUR_BUY], 201), Unknown),
    ("201 cut header", closes(b"HTTP/1.1 201 Created\r\nContent-Ty"), Unknown),
    ("201 cut, no length", closes(b"HTTP/1.1 201 Created\r\n\r\n" + WHOLE[:90]), Unknown),
    ("201 cut, with length", closes(answered(OUR_BUY, 201)[:-20]), Unknown),
    ("201 cut, chunked", closes(chunked(WHOLE)), Unknown),
    ("corrupt gzip", broken_gzip(), Unknown),
    ("read timeout", hangs, Unknown),
    ("FIN", hangs_up, Unknown),
    ("RST", resets, Unknown),
    ("body stalls", stalls, Unknown),
    ("slow drip", drips, Unknown),
    ("not HTTP", closes(b"SSH-2.0-OpenSSH_9.6\r\n"), Unknown),
    *((f"{status} HTML", answered(None, status, raw=b"<html>"), Unknown) for status in NO_LABEL),
    *((f"{status} JSON without label", answered({"a": 1}, status), Unknown) for status in NO_LABEL),
    *((f"{status} redirect", redirects(status), Unknown) for status in (301, 302, 303, 307, 308)),
    ("304 with a label", refused(304, "BALANCE_NOT_ENOUGH"), Unknown),
    *(
        (f"{label} {status}", refused(status, label), Unknown)
        for label in SERVER_LABELS
        for status in (200, 400, 500, 503)
    ),
    *((f"{label} 400", refused(400, label), Unknown) for label in REPEAT_LABELS + OTHER_LABELS),
    *((f"{label} 400", refused(400, label), Rejected) for label in sorted(REJECTING_LABELS)),
    *((f"{label} 500", refused(500, label), Unknown) for label in sorted(REJECTING_LABELS)),
    ("REQUEST_EXPIRED 200", refused(200, "REQUEST_EXPIRED"), Rejected),
    ("REQUEST_EXPIRED 403", refused(403, "REQUEST_EXPIRED"), Rejected),
    ("TOO_MANY_REQUESTS 429", refused(429, "TOO_MANY_REQUESTS"), Rejected),
    ("INVALID_KEY 401", refused(401, "INVALID_KEY"), Rejected),
    ("a label and an order", answered({**OUR_BUY, "label": "BALANCE_NOT_ENOUGH"}), Unknown),
    ("a cut label", answered(None, 400, raw=b'{"label": "BALANCE_NOT_ENOUGH", "mess'), Unknown),
]  # fmt: skip


@pytest.mark.parametrize(
    ("server", "proof"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_one_post_and_the_proof_that_the_table_names(
    server: bytes | Behaviour,
    proof: type[Outcome],
    account: GateAccount,
    stub: HttpStub,
    broker: GateBroker,
) -> None:
    account.submission = server
    answer = bought(broker)
    outcome = broker.read_answer(ORDER, answer)
    assert isinstance(outcome, proof), (outcome, answer)
    assert answer.sent
    assert len(stub.posts()) == 1
    assert broker.read_answer(ORDER, Answer(answer.raw)) == outcome  # nothing but the text counts


def test_the_whitelist_is_the_references() -> None:
    reference = RECORDED.parents[1] / "gate-spot.md"
    if not reference.exists():
        pytest.skip("the reference is not beside the project")
    (line,) = [
        line for line in reference.read_text().splitlines() if line.startswith("Whitelist (REJ")
    ]
    assert set(line.partition(": ")[2].rstrip(".").split()) == REJECTING_LABELS


# --- what never left


def test_a_refused_connection_proves_that_nothing_was_sent(
    client_of: ClientOf,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    answer = submitted_elsewhere(client_of, f"http://127.0.0.1:{port}")
    assert not answer.sent
    assert "NewConnectionError" in answer.raw


def test_a_connection_that_times_out_proves_that_nothing_was_sent(
    client_of: ClientOf,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))
        answer = submitted_elsewhere(client_of, f"http://127.0.0.1:{port}")
        for one in waiting:
            one.close()
    assert not answer.sent
    assert "ConnectTimeout" in answer.raw


def submitted_elsewhere(client_of: ClientOf, url: str) -> Answer:
    """What becomes of a submission to `url`."""
    client = client_of(**KEYS, base_url=url, wait_ms=250, deadline_ms=2_000)
    trial = client.submit("buy", lambda gate: gate.privateSpotPostOrders({}), Signing(SERVER_MS))
    assert trial.reply.status == 0
    return ccxt_answer(trial)


def ccxt_answer(trial: Trial) -> Answer:
    return Answer(json.dumps(trial.causes), sent=trial.sent)


def test_a_name_that_does_not_resolve_proves_that_nothing_was_sent() -> None:
    error = RuntimeError("ccxt's")
    error.__cause__ = NameResolutionError("gate", HTTPConnection("gate"), socket.gaierror())
    door = Door()
    door.leave()
    assert not Trial(Reply(), door, error=error).sent
    assert Trial(Reply(), door, error=RuntimeError("another")).sent


def test_a_tls_failure_proves_nothing(client_of: ClientOf, stub: HttpStub) -> None:
    client = client_of(**KEYS, base_url=stub.url.replace("http:", "https:"), wait_ms=500)
    trial = client.submit("buy", lambda gate: gate.privateSpotPostOrders({}), Signing(SERVER_MS))
    assert trial.sent
    assert any(issubclass(getattr(ssl, name, int), ssl.SSLError) for name in trial.causes)


@pytest.mark.parametrize(
    ("amount", "name"),
    [
        ("0", OURS),
        ("-1", OURS),
        ("NaN", OURS),
        ("Infinity", OURS),
        ("5", ""),
        ("5", "apiv4"),
        ("5", "t-"),
        ("5", "t-a b"),
        ("5", "t-é"),
        ("5", "t-" + "a" * 27),
    ],
)
def test_what_gate_would_refuse_is_not_sent(
    amount: str, name: str, broker: GateBroker, stub: HttpStub
) -> None:
    broker.fetch_server_ms()
    answer = broker.create_market_buy_quote(LTC_USDT, Decimal(amount), name)
    assert not answer.sent
    outcome = broker.read_answer(ORDER, answer)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith("never sent: ")
    assert stub.posts() == []


def test_what_ccxt_refuses_by_itself_is_not_sent(client_of: ClientOf) -> None:
    def refuses(gate: Any) -> Any:
        raise ValueError(gate.id)

    trial = client_of(**KEYS).submit("buy", refuses, Signing(SERVER_MS))
    assert not trial.sent
    assert trial.causes == ("ValueError",)


# --- one request, in time


def test_a_client_that_would_try_again_is_kept_from_it(
    account: GateAccount, client_of: ClientOf, stub: HttpStub
) -> None:
    """The two doors of gate-spot 0.5, pushed open on purpose, and a third behind them."""
    account.submission = answered(None, 503, raw=b"<html>")

    def thrice(gate: Any) -> Any:
        return gate.privateSpotPostOrders({"maxRetriesOnFailure": 2})

    trial = client_of(**KEYS).submit("buy", thrice, Signing(SERVER_MS))
    assert len(stub.posts()) == 1
    assert trial.sent


def test_a_client_set_up_to_try_again_is_refused(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def eager(name: str) -> Any:
        lean: Any = exchange_class(name)

        class Eager(lean):  # type: ignore[misc]  # ccxt ships no types
            def describe(self) -> Any:
                told = super().describe()
                told["options"]["maxRetriesOnFailure"] = 2
                return told

        return Eager

    monkeypatch.setattr(ccxt_client, "exchange_class", eager)
    with pytest.raises(ValueError, match="repeat failed requests"):
        client_of()


def test_a_door_that_is_shut_lets_nothing_out() -> None:
    door = Door()
    assert door.shut() == 0
    with pytest.raises(ConnectionAbortedError):
        door.leave()
    assert door.passed == 0


def test_what_had_not_left_by_the_deadline_never_leaves(
    client_of: ClientOf, stub: HttpStub
) -> None:
    """Not even while the next call is under way: that one has a client and a door of its own."""
    client = client_of(**KEYS, deadline_ms=50)
    wakes, done = threading.Event(), threading.Event()
    refusals: list[Exception] = []

    def dawdles(gate: Any) -> Any:
        wakes.wait(5)
        try:
            return gate.privateSpotPostOrders({})
        except Exception as error:
            refusals.append(error)
            raise
        finally:
            done.set()

    trial = client.submit("buy", dawdles, Signing(SERVER_MS))
    assert not trial.sent
    client.call("time", lambda gate: gate.publicSpotGetTime(), dict)
    wakes.set()
    assert done.wait(5)
    assert isinstance(refusals[0], ConnectionAbortedError)
    assert stub.posts() == []


def test_the_whole_call_has_a_deadline_and_the_next_one_a_client_of_its_own(
    account: GateAccount, broker: GateBroker, stub: HttpStub
) -> None:
    account.submission = drips
    assert "DeadlinePassed" in bought(broker).raw
    account.submission = answered(OUR_BUY, 201)
    assert isinstance(broker.read_answer(ORDER, bought(broker)), Accepted)
    assert len(stub.posts()) == 2


# --- what is sent


def body_of(stub: HttpStub) -> Any:
    (post,) = stub.posts()
    return json.loads(post.body)


def test_a_buy_is_the_request_that_ccxt_makes_and_nothing_else(
    account: GateAccount, broker: GateBroker, stub: HttpStub
) -> None:
    account.submission = answered(OUR_BUY, 201)
    broker.fetch_server_ms()
    broker.create_market_buy_quote(LTC_USDT, Decimal("5.00"), "t-abc123")
    expected = {
        "currency_pair": "LTC_USDT",
        "type": "market",
        "account": "spot",
        "side": "buy",
        "amount": "5",
        "time_in_force": "ioc",
        "text": "t-abc123",
    }
    assert body_of(stub) == expected
    assert [request.path for request in stub.received] == [
        "/api/v4/spot/time",
        "/api/v4/spot/orders",
    ]
    if RECORDED.exists():
        calls = {call["name"]: call for call in json.loads(RECORDED.read_text())["calls"]}
        (theirs,) = calls["create_market_buy_order_with_cost 5 + clientOrderId t-abc123"][
            "requests"
        ]
        assert (stub.posts()[0].path, stub.posts()[0].body) == (theirs["path"], theirs["body"])


def test_a_sell_carries_base_and_never_an_exponent(broker: GateBroker, stub: HttpStub) -> None:
    broker.fetch_server_ms()
    broker.create_market_sell_base(LTC_USDT, Decimal("1E-8"), OURS)
    assert (body_of(stub)["side"], body_of(stub)["amount"]) == ("sell", "0.00000001")


def test_account_and_slippage_are_settings(
    client_of: ClientOf, clock: ManualClock, stub: HttpStub
) -> None:
    terms = GateTerms(slippage=Decimal("0.010"), unified=True)
    bought(GateBroker(client_of(**KEYS), clock, terms))
    assert (body_of(stub)["account"], body_of(stub)["slippage"]) == ("unified", "0.01")


def test_a_submission_is_signed_at_gates_time_and_dies_with_the_journaled_one(
    client_of: ClientOf, clock: ManualClock, account: GateAccount, stub: HttpStub
) -> None:
    """Our clock is 40 s off, and the journal took two seconds: neither moves the deadline."""
    account.server_ms = clock.now_ms() + 40_000
    broker = GateBroker(client_of(**KEYS), clock, GateTerms(expiry_proven=True))
    server_ms = broker.fetch_server_ms()
    journaled_ms = broker.expires_ms(server_ms)
    clock.advance(2_000)
    broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS)
    headers = stub.posts()[0].headers
    assert headers["x-gate-exptime"] == str(journaled_ms) == str(server_ms + 3_000)
    assert headers["Timestamp"] == str(server_ms // 1_000)
    assert len(headers["SIGN"]) == 128
    assert all("x-gate-exptime" not in one.headers for one in stub.received if one.method == "GET")


def test_an_unproven_expiry_counts_for_as_long_as_the_signature_is_good(
    broker: GateBroker,
) -> None:
    assert broker.expires_ms(SERVER_MS) == SERVER_MS + 60_000


@pytest.mark.parametrize("passed_ms", [3_000, 60_000, -1])
def test_an_order_whose_journal_took_too_long_is_not_sent(
    passed_ms: int, clock: ManualClock, broker: GateBroker, stub: HttpStub
) -> None:
    broker.fetch_server_ms()
    clock.advance(passed_ms)
    answer = broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS)
    assert not answer.sent
    assert f"{passed_ms} ms ago" in answer.raw
    assert stub.posts() == []


def test_an_order_that_could_outlive_its_journal_entry_is_not_sent(
    broker: GateBroker, account: GateAccount, stub: HttpStub
) -> None:
    journaled_ms = broker.expires_ms(broker.fetch_server_ms())
    account.server_ms += 1
    broker.fetch_server_ms()
    assert not broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS, journaled_ms).sent
    assert stub.posts() == []
    broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS, journaled_ms + 1)
    assert len(stub.posts()) == 1


def test_an_order_before_gates_time_was_read_is_not_sent(
    broker: GateBroker, stub: HttpStub
) -> None:
    assert not broker.create_market_buy_quote(LTC_USDT, Decimal(5), OURS).sent
    assert stub.received == []


# --- what is kept


def test_the_answer_is_kept_as_it_came_with_its_trace(
    account: GateAccount, broker: GateBroker
) -> None:
    times = (
        "X-In-Time: 1693826050001000\r\nX-Gate-RateLimit-Requests-Remain: 9\r\nSet-Cookie: a\r\n"
    )
    account.submission = answered(OUR_BUY, 201, headers=times)
    kept = json.loads(bought(broker).raw)
    assert (kept["status"], kept["trace_id"]) == (201, "trace-7")
    assert kept["headers"] == {
        "X-In-Time": "1693826050001000",
        "X-Gate-RateLimit-Requests-Remain": "9",
    }
    assert json.loads(kept["body"]) == OUR_BUY


def test_the_class_chain_is_kept_when_nothing_came(
    account: GateAccount, broker: GateBroker
) -> None:
    account.submission = hangs
    kept = json.loads(bought(broker).raw)
    assert kept["status"] == 0
    assert kept["causes"][0] == "RequestTimeout"
    assert "ReadTimeout" in kept["causes"]


def test_a_machine_that_repeats_our_secrets_does_not_get_them_into_the_journal(
    account: GateAccount, broker: GateBroker, stub: HttpStub
) -> None:
    def echoes(connection: Any) -> None:
        sent = {**stub.posts()[0].headers, "secret": KEYS["api_secret"]}
        connection.wfile.write(answered({"label": "FORBIDDEN", "message": sent}, 403))

    account.submission = echoes
    raw = bought(broker).raw
    sign = stub.posts()[0].headers["SIGN"]
    for secret in (KEYS["api_key"], KEYS["api_secret"], sign):
        assert secret not in raw
    assert isinstance(broker.read_answer(ORDER, Answer(raw)), Rejected)


def test_the_real_order_is_read_to_the_last_digit(account: GateAccount, broker: GateBroker) -> None:
    account.submission = answered(OUR_BUY, 201)
    outcome = broker.read_answer(ORDER, bought(broker))
    assert isinstance(outcome, Accepted)
    totals = outcome.report.totals
    assert (totals.base, totals.quote) == (Decimal("0.078"), Decimal("4.99434"))
    assert totals.fee_base == Decimal("0.000156")


def test_live_trading_needs_gate_and_a_key(client_of: ClientOf, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="needs Gate, and a key"):
        GateBroker(client_of(), clock, GateTerms())
    with pytest.raises(ValueError, match="needs Gate, and a key"):
        GateBroker(CcxtClient("binance", **KEYS), clock, GateTerms())


def test_reading_looks_at_the_order_it_is_asked_about(broker: GateBroker) -> None:
    answer = Answer(json.dumps({"status": 201, "trace_id": "", "body": json.dumps(OUR_BUY)}))
    other = replace(ORDER, client_order_id="t-a-other")
    assert isinstance(broker.read_answer(other, answer), Unknown)
