"""Books that really traded, in a table that a test can look into and tamper with."""

from dataclasses import dataclass, field
from typing import Any

from books import Books
from builders import BTC, ETH
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.storage.actions import Item, Put, Table
from crypto_ai_bot.storage.conditions import Present
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore


@dataclass
class TradedBooks:
    """A bench whose table is at hand, and round trips at the prices that a test names."""

    table: Table = field(default_factory=MemoryTable)

    def __post_init__(self) -> None:
        self.books = Books(store=TableStore(self.table, "paper"), symbols=(BTC, ETH))
        self.books.price("2000", symbol=ETH)

    def enter(self, price: str) -> None:
        self.books.price(price)
        self.books.next_minute(2)
        self.books.enter()

    def leave(self, price: str) -> None:
        self.books.price(price)
        self.books.next_minute(2)
        self.books.evaluate(Action.EXIT)

    def traded(self) -> "TradedBooks":
        """Two round trips of BTC, one won and one lost, and both symbols held at the end."""
        for bought, sold in (("20000", "21000"), ("21000", "20500")):
            self.enter(bought)
            self.leave(sold)
        self.enter("20500")
        return self

    def items(self, kind: str) -> list[Item]:
        return [item for item in self.table.scan() if item["entity"] == kind]

    def change(self, kind: str, **fields: Any) -> None:
        """Writes over some fields of the first item of a kind, as no program of ours would."""
        item = min(self.items(kind), key=lambda found: (found["pk"], found["sk"]))
        self.table.write([Put({**item, **fields}, Present())])
