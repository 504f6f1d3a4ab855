import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from books import Books
from crypto_ai_bot.domain.errors import StoreUnavailable
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.runtime.http import Counter, Response, answer, as_gateway_answer, read_request
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import FakeSwitch

TOKEN = "first-token-of-the-operator"
SECOND = "second-token-while-rotating"


def call(
    books: Books, method: str, path: str, token: str | None = TOKEN, body: str = ""
) -> Response:
    digests = tuple(sha256(text.encode()).digest() for text in (TOKEN, SECOND))
    counter = Counter(books.store, books.switch, books.clock, "paper", digests)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    event = {
        "rawPath": path,
        "headers": headers,
        "body": body,
        "requestContext": {
            "stage": "$default",
            "http": {"method": method, "sourceIp": "192.0.2.1"},
        },
    }
    return answer(counter, read_request(event))


@pytest.fixture
def books() -> Books:
    books = Books()
    books.evaluate()
    books.exits()
    books.reconcile()
    watchdog(books.desk, books.tick(Job.WATCHDOG))
    return books


PROTECTED = [
    ("GET", "/metrics"),
    ("GET", "/pnl/today"),
    ("GET", "/orchestrator/status"),
    ("POST", "/orchestrator/start"),
    ("POST", "/orchestrator/stop"),
    ("GET", "/no/such/path"),
    ("DELETE", "/health"),
]


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "é"])
@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_the_token_everything_but_health_and_ready_is_401_and_reveals_nothing(
    books: Books, method: str, path: str, token: str | None
) -> None:
    version = books.store.glance().control.version
    response = call(books, method, path, token)
    assert response == Response(401, {"error": "unauthorised"})
    assert books.store.glance().control.version == version


def test_both_tokens_open_while_they_are_rotated(books: Books) -> None:
    assert call(books, "GET", "/metrics", TOKEN).code == 200
    assert call(books, "GET", "/metrics", SECOND).code == 200


def test_without_any_token_configured_nothing_opens(books: Books) -> None:
    counter = Counter(books.store, books.switch, books.clock, "paper", ())
    request = read_request({"rawPath": "/metrics", "headers": {"authorization": "Bearer "}})
    assert answer(counter, request).code == 401


def test_health_is_open_to_anybody(books: Books) -> None:
    response = call(books, "GET", "/health", None)
    assert response.code == 200
    assert isinstance(response.body, dict)
    assert response.body["status"] == "ok"


def test_a_silent_watchdog_is_a_failure(books: Books) -> None:
    books.next_minute(4)
    response = call(books, "GET", "/health", None)
    assert response.code == 503
    assert isinstance(response.body, dict)
    assert response.body["checks"]["watchdog"] == "last completed 240 s ago"


def test_before_the_first_run_health_says_so() -> None:
    response = call(Books(), "GET", "/health", None)
    assert response.code == 503
    assert response.body == {"status": "failing", "checks": {"watchdog": "never ran"}}


class Gone:
    def glance(self) -> None:
        raise StoreUnavailable("table books: it is not there")


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_a_table_that_is_gone_is_told(books: Books, path: str) -> None:
    books.store = Gone()  # type: ignore[assignment]  # all that these routes ask for
    response = call(books, "GET", path, None)
    assert response.code == 503
    assert "not there" in json.dumps(response.body)


def test_ready_needs_the_parameter(books: Books) -> None:
    assert call(books, "GET", "/ready", None).code == 200
    books.switch = FakeSwitch(None)
    assert call(books, "GET", "/ready", None).code == 503


def test_stop_closes_entries_and_leaves_exits_open_and_start_resumes(books: Books) -> None:
    stopped = call(books, "POST", "/orchestrator/stop")
    assert isinstance(stopped.body, dict)
    assert stopped.body["trading_state"] == TradingState.EXITS_ONLY
    assert any(reason.startswith("trading_state") for reason in books.enter().reasons)
    started = call(books, "POST", "/orchestrator/start")
    assert isinstance(started.body, dict)
    assert started.body["trading_state"] == TradingState.ON
    books.next_minute()
    assert books.enter().order


def test_off_must_be_asked_for(books: Books) -> None:
    response = call(books, "POST", "/orchestrator/stop", body='{"state": "off"}')
    assert isinstance(response.body, dict)
    assert response.body["trading_state"] == TradingState.OFF


@pytest.mark.parametrize("body", ["off", '{"state": "on"}', '{"state": "halt"}', "[]", "{"])
def test_a_stop_that_cannot_be_read_changes_nothing(books: Books, body: str) -> None:
    assert call(books, "POST", "/orchestrator/stop", body=body).code == 400
    assert books.store.glance().control.version == 0


def test_start_cannot_overrule_the_parameter_and_says_so(books: Books) -> None:
    books.switch = FakeSwitch(TradingState.EXITS_ONLY)
    response = call(books, "POST", "/orchestrator/start")
    assert isinstance(response.body, dict)
    assert response.body["trading_state"] == TradingState.EXITS_ONLY
    assert "parameter" in response.body["note"]


def test_the_status_and_the_day_show_position_jobs_and_result(books: Books) -> None:
    books.enter()
    shown: Any = call(books, "GET", "/orchestrator/status").body
    assert shown["symbols"]["BTC/USDT"]["position"]["stop_price"]
    assert set(shown["jobs"]) == {"evaluate", "exits", "reconcile", "watchdog"}
    day: Any = call(books, "GET", "/pnl/today").body
    assert day["fills"] == 1
    assert day["positions"]["BTC/USDT"]["base"] == str(books.ledger.position.base.normalize())


def test_metrics_are_prometheus_text_with_one_type_line_a_name(books: Books) -> None:
    books.enter()
    text = call(books, "GET", "/metrics").body
    assert isinstance(text, str)
    lines = text.splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    samples = [line for line in lines if not line.startswith("#")]
    assert {line.split("{")[0].split(" ")[0] for line in samples} == set(types)
    assert 'cab_trading_state{state="on"} 1' in samples
    assert "cab_healthy 1" in samples
    assert text.endswith("\n")


def test_the_gateways_stage_is_cut_off_the_path() -> None:
    event = {
        "rawPath": "/prod/health",
        "requestContext": {"stage": "prod", "http": {"method": "GET"}},
    }
    assert read_request(event).path == "/health"


def test_a_body_in_base64_is_read() -> None:
    body = b64encode(b'{"state": "off"}').decode()
    event = {"rawPath": "/orchestrator/stop", "body": body, "isBase64Encoded": True}
    assert read_request(event).body == '{"state": "off"}'
    assert read_request({**event, "body": "%%"}).body == "not text"


def test_the_gateway_is_answered_in_its_format(books: Books) -> None:
    shown = as_gateway_answer(call(books, "GET", "/metrics"))
    assert shown["headers"]["content-type"].startswith("text/plain")
    shown = as_gateway_answer(Response(401, {"error": "unauthorised"}))
    assert (shown["statusCode"], json.loads(shown["body"])) == (401, {"error": "unauthorised"})
