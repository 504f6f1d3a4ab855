"""What a month on AWS costs, computed: run as a module it prints the tables of docs/cost.md.

The calls and bytes of each job are counted on the real use cases and the real store; the seconds
are those calls at a stated latency, and the CPU that `make bench` measures. Prices are list prices
of us-east-1; an always-free allowance is taken off once for the whole account.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from json import dumps
from typing import Any, Final

from books import Books
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.storage.actions import INDEX_KEY, Item, Put
from crypto_ai_bot.storage.actions import Action as TableAction
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.notify import notify
from crypto_ai_bot.usecases.outcome import RunOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import FakeBroker

MINUTES: Final = 730 * 60  # of a month, as AWS counts it
TRADES_A_DAY: Final = 10  # entries with their exits, of the whole deployment
BACKUP_GB: Final = 0.2

EXCHANGE_MS: Final = 80  # one request to Gate, there and back
TABLE_MS: Final = 5
# make bench: the least CPU of a warm evaluate, 5.7 ms with one symbol and 1.5 ms for each more.
CPU_MS_A_RUN: Final = 4.2
CPU_MS_A_SYMBOL: Final = 1.5
VCPU: Final = 512 / 1_769  # Lambda's share of a processor at 512 MB
COLD_STARTS_A_DAY: Final = 15  # of each function
COLD_START_MS: Final = 1_300  # INIT is billed
LINE_OVERHEAD: Final = 400  # START, END and REPORT of an invocation

GB: Final = {"Evaluate": 0.5, "Exits": 0.5, "Reconcile": 0.5, "Watchdog": 0.5, "Notify": 0.25}


@dataclass(frozen=True, slots=True)
class Price:
    """USD for `per` units, and how many units a month are always free."""

    usd: float
    per: float = 1.0
    free: float = 0.0

    def list_usd(self, units: float) -> float:
        """At list price."""
        return units / self.per * self.usd

    def due_usd(self, units: float) -> float:
        """After what is always free."""
        return self.list_usd(max(0.0, units - self.free))


PRICES: Final[Mapping[str, Price]] = {
    "Lambda, GB-seconds (arm64)": Price(0.0000133334, free=400_000),
    "Lambda, requests": Price(0.20, 1e6, free=1e6),
    "Scheduler, ticks": Price(1.00, 1e6, free=14e6),
    "DynamoDB, write units": Price(0.625, 1e6),
    "DynamoDB, read units": Price(0.125, 1e6),
    "DynamoDB, recovery, GB": Price(0.20),
    "CloudWatch, GB of logs": Price(0.50, free=5),
    "CloudWatch, metrics": Price(0.30, free=10),
    "CloudWatch, alarms": Price(0.10, free=10),
    "CloudWatch, dashboards": Price(3.00, free=3),
    "HTTP API, calls": Price(1.00, 1e6),
    "SNS, e-mails": Price(2.00, 1e5, free=1_000),
}


class Metered(MemoryTable):
    """A table that counts what DynamoDB would bill, by the sizes of its items."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.reads = self.writes = 0.0

    def query(self, pk: str, low: str = "!", high: str = "~") -> list[Item]:
        found = super().query(pk, low, high)
        self.calls += 1
        self.reads += blocks(sum(map(size, found)), 4_096)
        return found

    def indexed(self, value: str, limit: int | None = None) -> list[Item]:
        found = super().indexed(value, limit)
        self.calls += 1
        self.reads += blocks(sum(map(size, found)), 4_096) / 2  # eventually consistent
        return found

    def write(self, actions: Sequence[TableAction]) -> int | None:
        self.calls += 1
        twice = 1 if len(actions) == 1 else 2  # a transaction is prepared, then done
        for action in actions:
            item = action.item if isinstance(action, Put) else self.get(action.key) or {}
            self.writes += blocks(size(item), 1_024) * twice
            if isinstance(action, Put) and INDEX_KEY in item:
                self.writes += blocks(size(item), 1_024)
        return super().write(actions)


def size(item: Item) -> int:
    """Bytes of an item, near enough: names and values as text."""
    return len(dumps(item, separators=(",", ":")).encode())


def blocks(size_bytes: int, block: int) -> int:
    """What is billed: whole blocks, one at least."""
    return max(1, -(-size_bytes // block))


@dataclass
class Run:
    """One run of a job, or what a trade adds."""

    milliseconds: float = 0.0
    reads: float = 0.0
    writes: float = 0.0
    log_bytes: int = 0


@dataclass
class Deployment:
    """A deployment of `symbols` pairs on doubles, with the real use cases and the real store."""

    symbols: int
    table: Metered = field(default_factory=Metered)

    def __post_init__(self) -> None:
        pairs = tuple(Symbol(f"C{number:02}", "USDT") for number in range(self.symbols))
        self.books = Books(symbols=pairs, store=TableStore(self.table, "live"))
        self.books.broker.balances["USDT"] = Decimal(10_000_000)
        for pair in pairs:
            self.books.price("20000", symbol=pair)

    @property
    def broker(self) -> FakeBroker:
        """The exchange, which counts its calls."""
        return self.books.broker

    def run(self, job: Job, use_case: Callable[..., RunOutcome]) -> Run:
        """One run, measured."""
        self.broker.calls.clear()
        before = (self.table.calls, self.table.reads, self.table.writes)
        outcome = use_case(self.books.desk, self.books.tick(job))
        calls, reads, writes = (
            after - was
            for after, was in zip(
                (self.table.calls, self.table.reads, self.table.writes), before, strict=True
            )
        )
        cpu_ms = (CPU_MS_A_RUN + CPU_MS_A_SYMBOL * len(outcome.symbols)) / VCPU
        waits_ms = len(self.broker.calls) * EXCHANGE_MS + calls * TABLE_MS
        line = len(dumps(outcome.as_json())) + LINE_OVERHEAD
        return Run(cpu_ms + waits_ms, reads, writes, line)

    def minute(self) -> dict[str, Run]:
        """One quiet run of each job, when the books are filled."""
        for _ in range(2):
            found = {
                "Reconcile": self.run(Job.RECONCILE, reconcile),
                "Evaluate": self.run(Job.EVALUATE, evaluate),
                "Exits": self.run(Job.EXITS, exits),
                "Watchdog": self.run(Job.WATCHDOG, watchdog),
            }
            self.books.next_minute()
        return found | {"Notify": Run(CPU_MS_A_RUN / VCPU * 2 + TABLE_MS, 0.5, 0, 300)}

    def trade(self) -> Run:
        """What an entry and its exit write and read beyond quiet runs, and their messages."""
        before = (self.table.reads, self.table.writes)
        for says in (Action.ENTER, Action.EXIT):
            self.books.evaluate(says)
            notify(self.books.store, self, self.books.clock, run_id="n", account="live")
            self.books.next_minute()
        reads, writes = self.table.reads - before[0], self.table.writes - before[1]
        return Run(0, reads, writes, 3_000)

    def announce(self, _subject: str, _text: str) -> None:
        """Somebody listens."""


def month(symbols: int, *, open_share: float = 0.0, exits_seconds: int = 60) -> dict[str, float]:
    """Units of a month by the names of PRICES.

    `open_share` is the share of time in which a position is open; then exits looks again every
    `exits_seconds` within its minute, and the function is paid for while it waits.
    """
    deployment = Deployment(symbols)
    runs = deployment.minute()
    trade = Deployment(1).trade()
    times = dict.fromkeys(runs, float(MINUTES)) | {"Reconcile": MINUTES / 5}
    extra_ms = open_share * (60_000 - exits_seconds * 1_000 if exits_seconds < 60 else 0)
    runs["Exits"].milliseconds += extra_ms
    trades = TRADES_A_DAY * MINUTES / 1_440
    cold_gb_s = sum(GB.values()) * COLD_STARTS_A_DAY * MINUTES / 1_440 * COLD_START_MS / 1_000
    requests = sum(times.values()) + MINUTES
    log_bytes = sum(times[name] * run.log_bytes for name, run in runs.items())
    return {
        "Lambda, GB-seconds (arm64)": cold_gb_s
        + MINUTES * 0.020 * 0.5  # one health probe a minute
        + sum(times[name] * run.milliseconds / 1_000 * GB[name] for name, run in runs.items()),
        "Lambda, requests": requests,
        "Scheduler, ticks": sum(times.values()),
        "DynamoDB, write units": sum(times[n] * run.writes for n, run in runs.items())
        + trades * trade.writes,
        "DynamoDB, read units": sum(times[n] * run.reads for n, run in runs.items())
        + trades * trade.reads
        + MINUTES * blocks(2_000 * symbols, 4_096),  # the probe reads the books
        "DynamoDB, recovery, GB": BACKUP_GB,
        "CloudWatch, GB of logs": (log_bytes + MINUTES * LINE_OVERHEAD) / 1e9,
        "CloudWatch, metrics": 10,
        "CloudWatch, alarms": 10,
        "CloudWatch, dashboards": 1,
        "HTTP API, calls": MINUTES,
        "SNS, e-mails": trades * 2,
    }


def totals(units: Mapping[str, float]) -> tuple[float, float]:
    """USD of a month: at list price, and after what is always free."""
    return (
        sum(PRICES[name].list_usd(count) for name, count in units.items()),
        sum(PRICES[name].due_usd(count) for name, count in units.items()),
    )


SCENARIOS: Final[Mapping[str, Mapping[str, Any]]] = {
    "1 symbol, exits each minute": {"symbols": 1},
    "10 symbols, exits each minute": {"symbols": 10},
    "50 symbols, exits each minute": {"symbols": 50},
    "1 symbol, exits every 10 s while a position is open, half the time": {
        "symbols": 1,
        "open_share": 0.5,
        "exits_seconds": 10,
    },
    "50 symbols, likewise, a position always open": {
        "symbols": 50,
        "open_share": 1.0,
        "exits_seconds": 10,
    },
}


def tables() -> list[str]:
    """The two tables of docs/cost.md."""
    lines = ["| deployment | list price | after always-free |", "|---|---|---|"]
    for name, scenario in SCENARIOS.items():
        listed, due = totals(month(**scenario))
        lines.append(f"| {name} | ${listed:.2f} | **${due:.2f}** |")
    lines += ["", "| what (1 / 10 / 50 symbols, exits each minute) | units | list price | due |"]
    lines.append("|---|---|---|---|")
    months = [month(count) for count in (1, 10, 50)]
    for name, price in PRICES.items():
        units = [one[name] for one in months]
        shown = " / ".join(f"{count:,.3g}" if count < 10 else f"{count:,.0f}" for count in units)
        list_usd = " / ".join(f"{price.list_usd(count):.2f}" for count in units)
        due_usd = " / ".join(f"{price.due_usd(count):.2f}" for count in units)
        lines.append(f"| {name} | {shown} | {list_usd} | {due_usd} |")
    return lines


if __name__ == "__main__":
    print("\n".join(tables()))
