"""Sixteen contenders at once, a client each: whatever they do, the books stay true.

On ministack alone: moto is not atomic under threads, and a lock in memory proves nothing.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from contract.conftest import new_mark, no_wait
from contract.embedded_dynamodb import make_table, new_client
from contract.examples import ACCOUNT, BTC, ID, NOW_MS, ORDER, fill_of, order_named
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.order import OrderState
from crypto_ai_bot.domain.position import apply_fill
from crypto_ai_bot.ports.store import Change, Conflict, Create, Replace, Store, as_stored
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONTENDERS = 16
ROUNDS = 5

pytestmark = [pytest.mark.cloud, pytest.mark.races]


@pytest.fixture(scope="session")
def contender_clients(ministack: str) -> Iterable["list[DynamoDBClient]"]:
    clients = [new_client(ministack) for _ in range(CONTENDERS)]
    yield clients
    for client in clients:
        client.close()


@pytest.fixture
def stores(
    contender_clients: "list[DynamoDBClient]", ministack_client: "DynamoDBClient", table_name: str
) -> list[Store]:
    """The same empty books, once for each contender."""
    make_table(ministack_client, table_name)
    return [
        TableStore(DynamoTable(client, table_name, new_mark, no_wait), "paper")
        for client in contender_clients
    ]


def at_once[T](stores: list[Store], act: Callable[[int, Store], T]) -> list[T]:
    """What `act` gave each contender, all of them let go at the same moment."""
    gate = threading.Barrier(len(stores))

    def run(number: int) -> T:
        gate.wait(20)
        return act(number, stores[number])

    with ThreadPoolExecutor(len(stores)) as pool:
        return list(pool.map(run, range(len(stores))))


def _commit_own(changes: Sequence[Change], number: int, store: Store) -> Conflict | None:
    return store.commit([changes[number]])


def test_a_lease_has_one_winner_and_the_token_grows_by_one(stores: list[Store]) -> None:
    ledger = Ledger(BTC)
    for turn in range(1, ROUNDS + 1):
        offered = [ledger.leased_to(f"run-{turn}-{n}", NOW_MS) for n in range(CONTENDERS)]
        changes = [Replace(one) for one in offered]
        conflicts = at_once(stores, partial(_commit_own, changes))
        winners = [number for number, conflict in enumerate(conflicts) if conflict is None]
        assert len(winners) == 1
        ledger = stores[0].glance().ledgers[BTC]
        assert ledger == as_stored(offered[winners[0]])
        assert (ledger.token, ledger.version) == (turn, turn)


def test_a_slot_has_one_order(stores: list[Store]) -> None:
    """One tick delivered sixteen times: the order, its place in the ledger, its count, or none."""
    orders = [replace(ORDER, correlation_id=f"run-{n}", lease_token=n) for n in range(CONTENDERS)]

    def place(number: int, store: Store) -> Conflict | None:
        order = orders[number]
        pending = Ledger(BTC).with_pending(order)
        account = Account().with_order(NOW_MS).with_commitment(BTC, pending)
        return store.commit([Create(order), Replace(pending), Replace(account)])

    conflicts = at_once(stores, place)
    (winner,) = [number for number, conflict in enumerate(conflicts) if conflict is None]
    losers = [conflict for conflict in conflicts if conflict is not None]
    assert all(isinstance(conflict.change, Create) for conflict in losers)
    assert stores[0].order(ID) == as_stored(orders[winner])
    glance = stores[0].glance()
    assert glance.account.order_times_ms == (NOW_MS,)
    assert glance.account.exposure_quote == ORDER.request.amount
    assert (glance.account.version, glance.ledgers[BTC].version) == (1, 1)


def _count_one(store: Store, number: int, limit: int) -> bool:
    """Counts one order as long as the limit allows, reading again whenever somebody was faster."""
    while True:
        account = store.glance().account
        if len(account.order_times_ms) >= limit:
            return False
        order = order_named(f"t-{number}", NOW_MS + number)
        changes: list[Change] = [Create(order), Replace(account.with_order(order.journaled_ms))]
        if store.commit(changes) is None:
            return True


def test_a_counter_counts_everyone_once(stores: list[Store]) -> None:
    counted = at_once(stores, lambda number, store: _count_one(store, number, 1000))
    assert all(counted)
    account = stores[0].glance().account
    assert sorted(account.order_times_ms) == [NOW_MS + n for n in range(CONTENDERS)]
    assert account.version == CONTENDERS


def test_a_limit_is_never_exceeded(stores: list[Store]) -> None:
    counted = at_once(stores, lambda number, store: _count_one(store, number, 5))
    assert sum(counted) == 5
    assert len(stores[0].glance().account.order_times_ms) == 5
    assert len(stores[0].unresolved_orders()) == 5


def test_a_fill_is_applied_once(stores: list[Store]) -> None:
    """Everybody saw the same report; whoever is slower than another reads again, as a tick does."""
    accepted = replace(ORDER, state=OrderState.ACCEPTED)
    assert stores[0].commit([Create(accepted), Replace(Ledger(BTC)), Replace(ACCOUNT)]) is None
    fill = fill_of(ID, "0.00125")

    def apply(_: int, store: Store) -> bool:
        while True:
            glance, order = store.glance(), store.order(ID)
            assert order is not None
            ledger = glance.ledgers[BTC]
            position, realised = apply_fill(ledger.position, fill)
            conflict = store.commit(
                [
                    Create(fill),
                    Replace(replace(ledger, position=position)),
                    Replace(glance.account.with_fill(realised, -fill.traded.quote)),
                    Replace(replace(order, totals=fill.traded)),
                ]
            )
            if conflict is None:
                return True
            if isinstance(conflict.change, Create):
                return False

    applied = at_once(stores, apply)
    assert sum(applied) == 1
    glance = stores[0].glance()
    assert stores[0].fills(ID) == [fill]
    assert glance.ledgers[BTC].position.base == Decimal("0.0012475")
    assert glance.account.fills == ACCOUNT.fills + 1
    assert glance.account.free_quote == Decimal("949.98")


def on_moto(items: Iterable[Any]) -> list[str]:
    """Tests marked as races that moto would have to bear."""
    return [
        item.nodeid
        for item in items
        if item.get_closest_marker("races")
        and ("moto_client" in item.fixturenames or "moto" in item.nodeid)
    ]


def test_no_race_is_left_to_one_who_is_not_atomic(request: pytest.FixtureRequest) -> None:
    assert on_moto(request.session.items) == []
    offender = SimpleNamespace(
        nodeid="test_lease", fixturenames=["moto_client"], get_closest_marker=lambda _: True
    )
    assert on_moto([offender]) == ["test_lease"]
