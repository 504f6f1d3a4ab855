"""A bench with short words for what every test of a use case does."""

from collections.abc import Callable
from itertools import count

from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.outcome import SymbolOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from fakes import Bench


class Books(Bench):
    """One bench, its books and its exchange."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._runs = count(1)

    def tick(self, job: Job, *symbols: Symbol, scheduled_ms: int | None = None) -> Tick:
        run_id = f"run-{next(self._runs)}"
        return Tick(job, scheduled_ms or self.clock.at_ms, "event-1", run_id, symbols)

    def evaluate(self, says: Action = Action.HOLD) -> SymbolOutcome:
        self.script.says = says
        return evaluate(self.desk, self.tick(Job.EVALUATE)).symbols[0]

    def enter(self) -> SymbolOutcome:
        return self.evaluate(Action.ENTER)

    def exits(self) -> tuple[SymbolOutcome, ...]:
        return exits(self.desk, self.tick(Job.EXITS)).symbols

    def reconcile(self) -> SymbolOutcome:
        return reconcile(self.desk, self.tick(Job.RECONCILE)).symbols[0]

    def one_pass(self) -> SymbolOutcome:
        """Exits a minute later, with time for a single pass."""
        self.next_minute()
        self.clock.left_ms = 12_000
        (outcome,) = self.exits()
        return outcome

    def once_at(self, call: str, happens: Callable[[], object]) -> None:
        """`happens` inside the next `call` to the exchange, and never again."""

        def listen(asked: str) -> None:
            if asked == call:
                self.broker.on_call = lambda _call: None
                happens()

        self.broker.on_call = listen

    def lease(self, owner: str) -> None:
        """`owner` takes the first symbol, for long."""
        leased = self.ledger.leased_to(owner, self.clock.at_ms + 10**6)
        assert self.store.commit([Replace(leased)]) is None

    @property
    def ledger(self) -> Ledger:
        return self.store.glance().ledgers[self.symbols[0]]

    def assert_books_equal_exchange(self) -> None:
        for symbol in self.symbols:
            ledger = self.store.glance().ledgers[symbol]
            assert ledger.pending is None
            assert ledger.position.base == self.broker.balances.get(symbol.base, 0)
