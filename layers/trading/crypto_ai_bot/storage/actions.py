"""The seam between the store and a table: items, what is done to them, and what a table offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from crypto_ai_bot.storage.conditions import Condition

ACTIONS_MAX: Final = 100  # DynamoDB's limit on one transaction

# Attributes that a table itself knows; every other attribute is the entity's.
INDEX_NAME: Final = "unresolved"
INDEX_KEY: Final = "unresolved"
INDEX_TIME: Final = "since_ms"

# Bounds for keys: everything printable in ASCII, and whatever follows it, lies between the two.
LOWEST: Final = "!"
HIGHEST: Final = "~"

type Item = dict[str, Any]  # str, int, bool, None, and lists and maps of them


class Key(NamedTuple):
    """Where an item stands: its partition, and its place within, where text order is order."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Put:
    """Writes `item` over whatever stands under its key, if `condition` holds of that."""

    item: Item
    condition: Condition

    @property
    def key(self) -> Key:
        """Where the item goes."""
        return Key(self.item["pk"], self.item["sk"])


@dataclass(frozen=True, slots=True)
class Check:
    """Writes nothing; `condition` must hold of what stands under `key`."""

    key: Key
    condition: Condition


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes what stands under `key`, if `condition` holds of it."""

    key: Key
    condition: Condition


type Action = Put | Check | Delete


class Table(Protocol):
    """Items under keys. Every method raises StoreUnavailable when the table did not answer.

    Items belong to the table from the moment they are put, and are not changed by who reads them.
    """

    def get(self, key: Key) -> Item | None:
        """The item under `key`, as the last write left it."""
        ...

    def query(self, pk: str, low: str = LOWEST, high: str = HIGHEST) -> list[Item]:
        """The items of a partition with `low <= sk <= high`, in the order of sk, none left out."""
        ...

    def indexed(self, value: str, limit: int | None = None) -> list[Item]:
        """Items whose INDEX_KEY is `value`, in the order of INDEX_TIME. Eventually consistent."""
        ...

    def scan(self) -> list[Item]:
        """Every item, each as the last write left it, but not all of one moment."""
        ...

    def write(self, actions: Sequence[Action]) -> int | None:
        """Does all of `actions` or none: None when done, else where the first failed condition is.

        At most ACTIONS_MAX, no two on one key.
        """
        ...
