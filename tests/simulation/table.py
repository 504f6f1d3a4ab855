"""The table of a simulated deployment: DynamoDB's manners over the memory table's conditions.

What is done to items is MemoryTable's; what becomes of an answer, and what the client library
repeats by itself, is decided here, call by call. The marks by which a write knows its own work,
the doubt about a repeated one and the tries after a conflict are the real table's.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from crypto_ai_bot.domain.errors import StoreUnavailable
from crypto_ai_bot.storage import store as store_module
from crypto_ai_bot.storage.actions import HIGHEST, LOWEST, Action, Item, Key, Put
from crypto_ai_bot.storage.conditions import holds
from crypto_ai_bot.storage.items import to_entity
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.refusals import Refused
from crypto_ai_bot.storage.table import MARK, DynamoTable
from fakes import Died
from simulation.scheduler import Fate, Invocation


def remember_what_items_hold() -> None:
    """Lets the store read each item once in this process.

    Items are not changed once they are put, entities are frozen, so what an item holds is always
    the same: two thirds of a quiet day's time are saved. A test holds that histories stay the same.
    """
    known: dict[int, tuple[Item, Any]] = {}

    def remembered(item: Item) -> Any:
        found = known.get(id(item))
        if found is None or found[0] is not item:
            if len(known) > 5_000:
                known.clear()
            found = known[id(item)] = (item, to_entity(item))
        return found[1]

    store_module.to_entity = remembered  # type: ignore[attr-defined]  # it imports it by name


class ExpiringTable(MemoryTable):
    """Items that have expired go some time later, one here, one there, as DynamoDB's TTL does."""

    def expired(self, now_ms: int) -> list[Key]:
        return [
            Key(pk, sk)
            for pk, partition in self._partitions.items()
            for sk, item in partition.items.items()
            if item.get("expires_at", now_ms) * 1_000 < now_ms
        ]

    def drop(self, key: Key) -> None:
        partition = self._partitions[key.pk]
        item = partition.items.pop(key.sk)
        partition.order.remove(key.sk)
        for index in self._index.values():
            index.pop(key, None)
        assert item["expires_at"], key


class TableDoor(DynamoTable):
    """The table as one invocation meets it.

    `done` is told of each write that took effect, before the invocation learns of it.
    """

    def __init__(
        self, run: Invocation, table: MemoryTable, done: Callable[[Sequence[Action]], None]
    ) -> None:
        marks = count(1)
        super().__init__(
            None,  # type: ignore[arg-type]  # nothing here reaches for the client
            "simulated",
            lambda: f"{run.name}/{next(marks)}",
            self._give_way,
        )
        self._run, self._table, self._done = run, table, done
        self.own_work_met = False

    def _give_way(self, attempt: int) -> None:
        self._run.pause(f"wait {attempt}")

    def get(self, key: Key) -> Item | None:
        return self._run.through("get", lambda: self._table.get(key), StoreUnavailable)

    def query(self, pk: str, low: str = LOWEST, high: str = HIGHEST) -> list[Item]:
        return self._run.through(
            "query", lambda: self._table.query(pk, low, high), StoreUnavailable
        )

    def indexed(self, value: str, limit: int | None = None) -> list[Item]:
        return self._run.through(
            "indexed", lambda: self._table.indexed(value, limit), StoreUnavailable
        )

    def _send(self, actions: Sequence[Action], mark: str) -> Refused | None:
        run = self._run
        self.own_work_met = False
        fate = run.pause("write")
        if fate is Fate.IN_THE_WAY:
            return Refused(None, (), repeated=False)
        if fate in {Fate.FAIL_BEFORE, Fate.THROTTLED}:
            raise StoreUnavailable(f"a write: {fate}")
        refusal = self._write(actions, mark)
        if fate is Fate.DIE_AFTER:
            raise Died
        if fate is Fate.FAIL_AFTER:
            raise StoreUnavailable(f"a write: {fate}")
        if fate is Fate.REPEATED and refusal is None:
            run.pause("repeated")  # others may write in between
            if len(actions) == 1 and isinstance(actions[0], Put):
                refusal = self._write(actions, mark)
                if refusal:
                    self.own_work_met = mark in refusal.marks
                    refusal = Refused(refusal.failed, refusal.marks, repeated=True)
        run.pause("written")  # a run may freeze before it learns that it has written
        return refusal

    def _write(self, actions: Sequence[Action], mark: str) -> Refused | None:
        marked = [
            Put(action.item | {MARK: mark}, action.condition) if isinstance(action, Put) else action
            for action in actions
        ]
        failed = self._table.write(marked)
        if failed is None:
            self._done(actions)
            return None
        standing = [(action.condition, self._table.get(action.key)) for action in actions]
        in_the_way = [item for condition, item in standing if not holds(condition, item)]
        marks = tuple(item[MARK] for item in in_the_way if item and MARK in item)
        return Refused(failed, marks, repeated=False)
