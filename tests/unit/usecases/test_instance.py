from dataclasses import replace

import pytest

from books import Books
from builders import NOON_MS
from crypto_ai_bot.domain.errors import AnotherDeployment
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.instance import HELD_FOR_MS, Instance, hold
from crypto_ai_bot.usecases.outcome import Decision


@pytest.fixture
def locks() -> TableStore:
    return TableStore(MemoryTable(), "live")


def deployment(locks: TableStore, owner: str) -> Books:
    return Books(instance=Instance(locks, "0a1b2c3d4e5f", owner))


def test_a_second_deployment_with_the_same_key_does_nothing(locks: TableStore) -> None:
    first, second = deployment(locks, "stack one"), deployment(locks, "a laptop")
    assert first.enter().decision is Decision.ENTER
    for job in (second.enter, second.exits, second.reconcile):
        with pytest.raises(AnotherDeployment, match="traded by stack one, for 600 s"):
            job()
    assert not second.broker.calls
    assert not second.store.glance().heartbeats


def test_the_functions_of_one_deployment_share_the_lock(locks: TableStore) -> None:
    first = deployment(locks, "stack one")
    first.enter()
    first.exits()
    first.reconcile()
    assert locks.instance_lock("0a1b2c3d4e5f").token == 1


def test_another_key_is_another_lock(locks: TableStore) -> None:
    deployment(locks, "stack one").evaluate()
    other = Books(instance=Instance(locks, "ffffffffffff", "stack two"))
    assert other.enter().decision is Decision.ENTER


def test_the_lock_is_renewed_long_before_it_ends_and_not_at_every_run(locks: TableStore) -> None:
    first = deployment(locks, "stack one")
    versions = []
    for _ in range(20):
        first.evaluate()
        lock = locks.instance_lock("0a1b2c3d4e5f")
        assert lock.expires_ms - first.clock.at_ms > 120_000
        versions.append(lock.version)
        first.next_minute()
    assert 1 < versions[-1] <= 5
    assert locks.instance_lock("0a1b2c3d4e5f").token == 1, "no change of owner"


def test_a_deployment_that_is_gone_is_followed_by_another_under_a_higher_token(
    locks: TableStore,
) -> None:
    deployment(locks, "stack one").evaluate()
    second = deployment(locks, "stack two")
    second.clock.at_ms = NOON_MS + HELD_FOR_MS
    assert second.enter().decision is Decision.ENTER
    assert locks.instance_lock("0a1b2c3d4e5f").token == 2
    returned = deployment(locks, "stack one")
    returned.clock.at_ms = NOON_MS + HELD_FOR_MS
    with pytest.raises(AnotherDeployment):
        returned.evaluate()


def test_of_two_that_start_at_once_one_wins(locks: TableStore) -> None:
    """The second takes the lock between the first one's reading and writing."""
    first, second = deployment(locks, "stack one"), deployment(locks, "stack two")
    assert first.instance
    assert second.instance
    read, others = locks.instance_lock, [second.instance]

    class Racing:
        def instance_lock(self, fingerprint: str) -> object:
            found = read(fingerprint)
            if others:
                hold(others.pop(), second.clock)
            return found

        def __getattr__(self, name: str) -> object:
            return getattr(locks, name)

    racing = replace(first.instance, locks=Racing())  # type: ignore[arg-type]  # the same words
    with pytest.raises(AnotherDeployment, match="stack two"):
        hold(racing, first.clock)
