"""Each policy against the calls that its function is seen to make on the tables: both ways.

What is seen here is everything a job can come to: entries, unknown orders, stops, drift, a dead
man's switch. The end-to-end tests ask the same of whatever else is called, with policies enforced.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest

from books import Books
from builders import dec
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.runtime.http import Counter, Request, answer
from crypto_ai_bot.storage.actions import Action, Item, Key, Put
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.instance import Instance
from crypto_ai_bot.usecases.notify import notify
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import Fault
from template.policies import INDEX, TABLE

TOKEN = "token-of-the-tests"
LOCKS = {
    "Fn::Sub": (
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${LockTableName}"
    )
}

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]


class Watched(MemoryTable):
    """A table that remembers which permissions were needed, and on what."""

    def __init__(self) -> None:
        super().__init__()
        self.needed: set[str] = set()

    def get(self, key: Key) -> Item | None:
        self.needed.add("dynamodb:GetItem")
        return super().get(key)

    def query(self, pk: str, low: str = "!", high: str = "~") -> list[Item]:
        self.needed.add("dynamodb:Query")
        return super().query(pk, low, high)

    def indexed(self, value: str, limit: int | None = None) -> list[Item]:
        self.needed.add("index:Query")
        return super().indexed(value, limit)

    def write(self, actions: Sequence[Action]) -> int | None:
        before = set(self.needed)
        failed = super().write(actions)  # which looks at items to judge its conditions
        self.needed = before
        for action in actions:
            verb = "PutItem" if isinstance(action, Put) else "ConditionCheckItem"
            self.needed.add(f"dynamodb:{verb}")
        return failed


@dataclass
class World:
    """A live deployment with tables that watch; what each function needed so far."""

    table: Watched = field(default_factory=Watched)
    locks: Watched = field(default_factory=Watched)
    needed: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.books = Books(store=TableStore(self.table, "live"), dead_after_ms=180_000)

    def by(self, function: str, run: Callable[[], object]) -> None:
        """Runs one function, and adds what it needed to what it had needed before.

        It finds the instance lock free: any job may be the one that takes it.
        """
        self.table.needed, self.locks = set(), Watched()
        self.books.instance = Instance(TableStore(self.locks, "live"), "fingerprint", "this one")
        run()
        found = self.needed.setdefault(function, set())
        found |= self.table.needed | {f"locks {one}" for one in self.locks.needed}

    def call(self, method: str, path: str) -> None:
        """One call of the API."""
        books = self.books
        digest = sha256(TOKEN.encode()).digest()
        counter = Counter(books.store, books.switch, books.clock, "live", (digest,))
        self.by("Api", lambda: answer(counter, Request(method, path, TOKEN, "", "192.0.2.1")))

    def each_job(self) -> None:
        """One minute of every job, and what is to be told of it."""
        books = self.books
        self.by("Evaluate", books.enter)
        self.by("Exits", books.exits)
        self.by("Reconcile", books.reconcile)
        self.by("Watchdog", lambda: watchdog(books.desk, books.tick(Job.WATCHDOG)))
        self.by("Notify", lambda: notify(books.store, self, books.clock, run_id="n", account="l"))
        books.next_minute()

    def announce(self, _subject: str, _text: str) -> None:
        """Somebody listens."""


def lived_through() -> World:
    """Everything that jobs come to, each function in turn the one that meets it."""
    world = World()
    books = world.books
    world.each_job()
    books.price("15000")  # through the stop: exits sells
    world.each_job()
    books.price("20000")
    settlers: list[tuple[str, Callable[[], object]]] = [
        ("Evaluate", books.evaluate),
        ("Exits", books.exits),
        ("Reconcile", books.reconcile),
        ("Watchdog", lambda: watchdog(books.desk, books.tick(Job.WATCHDOG))),
    ]
    for name, settler in settlers:  # an order of which nothing is known, and each that settles it
        books.broker.faults = [Fault.LOST_AFTER]
        books.next_minute(5)
        world.by("Evaluate", books.enter)
        books.next_minute(5)
        world.by(name, settler)
        books.price("15000")
        world.by("Exits", books.exits)
        books.price("20000")
    world.call("POST", "/orchestrator/start")  # the dead man's switch has stopped entries
    books.next_minute(5)
    world.by("Evaluate", books.enter)
    books.next_minute(5)
    books.price("15000")
    world.by("Watchdog", settlers[-1][1])  # exits was silent: the watchdog sells
    books.broker.balances["BTC"] = dec(3)
    world.by("Reconcile", books.reconcile)  # coins that are not ours
    for method, path in (
        ("GET", "/health"),
        ("GET", "/metrics"),
        ("GET", "/orchestrator/status"),
        ("POST", "/orchestrator/stop"),
        ("POST", "/orchestrator/start"),
    ):
        world.call(method, path)
    return world


@pytest.fixture(scope="module")
def needed() -> Mapping[str, set[str]]:
    return lived_through().needed


def allowed(of_type: OfType, name: str) -> Iterator[str]:
    """What the role may do on the tables, in the words of `Watched`."""
    for policy in of_type("AWS::IAM::Role")[f"{name}Role"]["Policies"]:
        for one in policy["PolicyDocument"]["Statement"]:
            statement = one["Fn::If"][1] if "Fn::If" in one else one
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                if statement["Resource"] == TABLE:
                    yield action
                elif statement["Resource"] == INDEX:
                    yield action.replace("dynamodb", "index")
                elif statement["Resource"] == LOCKS:
                    yield f"locks {action}"


@pytest.mark.parametrize("name", ["Evaluate", "Exits", "Reconcile", "Watchdog", "Api", "Notify"])
def test_a_role_may_do_what_its_function_does_on_the_tables_and_nothing_else(
    of_type: OfType, needed: Mapping[str, set[str]], name: str
) -> None:
    assert set(allowed(of_type, name)) == needed[name]
