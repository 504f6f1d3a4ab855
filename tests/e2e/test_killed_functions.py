"""Killing a function's process at any moment loses nothing and doubles nothing."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract.conftest import new_mark, no_wait
from contract.embedded_dynamodb import make_table, new_client, running_ministack
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.local.moments import moment_text
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable

ROOT = Path(__file__).parents[2]
BTC = Symbol("BTC", "USDT")
MINUTE_MS = 60_000
CROSSINGS = 18  # from the journal entry of an order to the heartbeat of its run

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with running_ministack() as url:
        yield url


@pytest.fixture(scope="module")
def exchange() -> Iterator[str]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "crypto_ai_bot.cli.exchange"),
            *("--port", "0", "--pairs", "BTC_USDT", "--seed", "7", "--speed", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        yield process.stdout.readline().split()[2]
        process.terminate()


@dataclass
class Market:
    """The held market of the embedded exchange."""

    url: str

    def ask(self, method: str, path: str, body: dict[str, int] | None = None) -> Any:
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        connection.request(method, path, json.dumps(body) if body else None)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def next_minute_ms(self) -> int:
        now_ms: int = self.ask("GET", "/_market")["time_ms"]
        self.ask("POST", "/_market/advance", {"ms": MINUTE_MS - now_ms % MINUTE_MS})
        return now_ms - now_ms % MINUTE_MS + MINUTE_MS


@contextmanager
def function(variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "e2e.mortal_function"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=variables,
    )
    with process:  # closes its input, at which it ends, and waits
        yield process


def run(process: subprocess.Popen[str], job: str, at_ms: int, die_at: int = 0) -> dict[str, Any]:
    event = {"job": job, "scheduled_time": moment_text(at_ms), "execution_id": f"{job}-{at_ms}"}
    assert process.stdin
    assert process.stdout
    print(
        json.dumps({"job": job, "event": event, "die_at": die_at}), file=process.stdin, flush=True
    )
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


@pytest.fixture(scope="module")
def table_names() -> Iterator[str]:
    return (f"mortal-{number}" for number in count(1))


def minutes_until_death(process: subprocess.Popen[str], market: Market, die_at: int) -> bool:
    """Ticks until a run with an order reaches its end; False when it was too short to be killed."""
    for _ in range(120):
        answer = run(process, "evaluate", market.next_minute_ms(), die_at)
        if answer["died"]:
            return True
        assert answer["error"] is None
        if any(one["order"] for one in answer["outcome"]["symbols"]):
            return False
    raise AssertionError("no order in two hours of market")


@pytest.mark.parametrize("die_at", range(1, CROSSINGS + 1))
def test_a_function_killed_at_any_call_of_an_order_loses_nothing_and_doubles_nothing(
    die_at: int, endpoint: str, exchange: str, table_names: Iterator[str]
) -> None:
    name = next(table_names)
    client = new_client(endpoint)
    make_table(client, name)
    market = Market(exchange)
    variables = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a child process needs one to start
        "PYTHONPATH": f"{ROOT / 'layers/trading'}:{ROOT / 'tests'}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "TABLE_NAME": name,
        "TRADING_PARAMETER": "",
        "EXCHANGE_URL": exchange,
        "CLOCK": "exchange",
        "EXITS_INTERVAL_SEC": "60",
        "STRATEGY": "donchian_breakout",
        "STRATEGY_PARAMETERS": '{"entry_bars": 2, "exit_bars": 2, "atr": 2}',
    }
    with function(variables) as process:
        died = minutes_until_death(process, market, die_at)
        for _ in range(6):
            at_ms = market.next_minute_ms()
            for job in ("evaluate", "exits", "reconcile", "watchdog"):
                answer = run(process, job, at_ms)
                assert answer["error"] is None, answer
    store = TableStore(DynamoTable(client, name, new_mark, no_wait), "paper")
    glance = store.glance()
    paper = store.paper_account()
    made = Counter(one.report.client_order_id for one in store.paper_orders(0))
    assert died
    assert set(made.values()) <= {1}
    assert glance.ledgers[BTC].position.base == paper.free("BTC")
    assert glance.ledgers[BTC].halt is None
    assert not store.unresolved_orders()
