"""The cost of an evaluate tick without an order, measured in this process; run as a module."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from crypto_ai_bot.brokers.trial import Signing
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.runtime.clock import wall_ms
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.runtime.wiring import open_workplace
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable
from crypto_ai_bot.usecases.evaluate import evaluate

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one invocation: the least CPU of some rounds, the same for the floor, and the calls."""

    cpu_ms: float
    floor_ms: float
    table_calls: int
    exchange_calls: int


def least_ms(run: Callable[[], object]) -> float:
    """The least CPU milliseconds of ROUNDS runs, after one to warm up."""
    run()
    found = []
    for _ in range(ROUNDS):
        started = time.process_time()
        run()
        found.append((time.process_time() - started) * 1_000)
    return min(found)


def measure() -> Cost:
    """Runs the real handler's desk against what the environment names."""
    place = open_workplace(Settings.from_environment(), lambda _secrets: None)
    counted = {"table": 0, "exchange": 0}
    store = place.books.store
    assert isinstance(store, TableStore)
    table = store._table
    assert isinstance(table, DynamoTable)
    table._client.meta.events.register("before-send.dynamodb", lambda **_: _count(counted, "table"))
    assert place.client
    call = place.client.call

    def counting[T](
        what: str,
        ask: Callable[[Any], Any],
        read: Callable[[Any], T],
        signing: Signing | None = None,
    ) -> T:
        counted["exchange"] += 1
        return call(what, ask, read, signing)

    place.client.call = counting  # type: ignore[method-assign]  # the same call, counted
    started_ms = wall_ms()

    def tick() -> None:
        desk = place.desk(lambda: 55_000)
        evaluate(desk, Tick(Job.EVALUATE, started_ms, "bench", "bench"))

    cpu_ms = least_ms(tick)
    counted |= {"table": 0, "exchange": 0}
    tick()
    calls = dict(counted)
    floor_ms = least_ms(lambda: floor(place))
    return Cost(cpu_ms, floor_ms, calls["table"], calls["exchange"])


def _count(counted: dict[str, int], what: str) -> None:
    counted[what] += 1


def floor(place: Any) -> None:
    """The same requests by the bare clients: a query, all tickers, candles a symbol, a put."""
    table = place.books.store._table
    exchange = place.client._exchange
    table._client.query(
        TableName=table._name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "paper#HOT"}},
        ConsistentRead=True,
    )
    exchange.publicSpotGetTickers()
    bars = place.policy.strategy.warm_up_bars + 2
    for symbol in place.policy.symbols:
        pair = f"{symbol.base}_{symbol.quote}"
        exchange.publicSpotGetCandlesticks(
            {"currency_pair": pair, "interval": place.policy.timeframe, "limit": bars}
        )
    table._client.put_item(TableName=table._name, Item={"pk": {"S": "bench"}, "sk": {"S": "floor"}})


def seconds() -> tuple[float, float]:
    """How long two invocations take: the first of all reads every symbol's rules as well."""
    place = open_workplace(Settings.from_environment(), lambda _secrets: None)
    found = []
    for _ in range(2):
        started = time.perf_counter()
        desk = place.desk(lambda: 55_000)
        outcome = evaluate(desk, Tick(Job.EVALUATE, wall_ms(), "bench", "bench"))
        found.append(time.perf_counter() - started)
        assert outcome.ok, outcome
    first, second = found
    return first, second


if __name__ == "__main__":
    print(json.dumps(seconds() if sys.argv[1:] == ["seconds"] else asdict(measure())))
