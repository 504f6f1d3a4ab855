"""The table in memory: the same conditions on the same items, for simulation, backtest and tests.

Nothing is copied on the way out: the store makes its entities anew from each item and never
changes an item, so what is read cannot change what stands here.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from crypto_ai_bot.storage.actions import (
    HIGHEST,
    INDEX_KEY,
    INDEX_TIME,
    LOWEST,
    Action,
    Delete,
    Item,
    Key,
    Put,
)
from crypto_ai_bot.storage.conditions import holds


@dataclass(slots=True)
class _Partition:
    """Items by sk, and the sks in order."""

    items: dict[str, Item] = field(default_factory=dict[str, Item])
    order: list[str] = field(default_factory=list[str])


class MemoryTable:
    """A table that always answers and forgets everything with the process."""

    def __init__(self) -> None:
        self._partitions: dict[str, _Partition] = {}
        self._index: dict[str, dict[Key, Item]] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Item | None:
        """The item under `key`."""
        partition = self._partitions.get(key.pk)
        return partition.items.get(key.sk) if partition else None

    def query(self, pk: str, low: str = LOWEST, high: str = HIGHEST) -> list[Item]:
        """The items of a partition with `low <= sk <= high`, in the order of sk."""
        with self._lock:
            partition = self._partitions.get(pk)
            if partition is None:
                return []
            start, end = bisect_left(partition.order, low), bisect_right(partition.order, high)
            return [partition.items[sk] for sk in partition.order[start:end]]

    def indexed(self, value: str, limit: int | None = None) -> list[Item]:
        """Items whose INDEX_KEY is `value`, in the order of INDEX_TIME."""
        with self._lock:
            found = sorted(self._index.get(value, {}).values(), key=lambda item: item[INDEX_TIME])
            return found[:limit]

    def scan(self) -> list[Item]:
        """Every item."""
        with self._lock:
            return [item for part in self._partitions.values() for item in part.items.values()]

    def write(self, actions: Sequence[Action]) -> int | None:
        """Does all of `actions` or none: None when done, else where the first failed one is."""
        with self._lock:
            for position, action in enumerate(actions):
                if not holds(action.condition, self.get(action.key)):
                    return position
            for action in actions:
                if isinstance(action, Put):
                    self._put(action.key, action.item)
                elif isinstance(action, Delete):
                    self._delete(action.key)
            return None

    def _put(self, key: Key, item: Item) -> None:
        partition = self._partitions.setdefault(key.pk, _Partition())
        before = partition.items.get(key.sk)
        if before is None:
            insort(partition.order, key.sk)
        elif INDEX_KEY in before:
            del self._index[before[INDEX_KEY]][key]
        partition.items[key.sk] = item
        if INDEX_KEY in item:
            self._index.setdefault(item[INDEX_KEY], {})[key] = item

    def _delete(self, key: Key) -> None:
        partition = self._partitions.get(key.pk)
        before = partition.items.pop(key.sk, None) if partition else None
        if partition is None or before is None:
            return
        partition.order.remove(key.sk)
        if INDEX_KEY in before:
            del self._index[before[INDEX_KEY]][key]
