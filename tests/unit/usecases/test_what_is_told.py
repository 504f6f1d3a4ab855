"""What a run tells of a symbol, whatever became of it: the line that an operator reads."""

from collections.abc import Callable

import pytest

from books import Books
from builders import BTC, dec
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from fakes import Died, Fault


def entered(books: Books) -> SymbolOutcome:
    return books.enter()


def left_alone(books: Books) -> SymbolOutcome:
    books.broker.troubled = "3 requests in a row had no answer"
    return books.enter()


def settled(books: Books) -> SymbolOutcome:
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.next_minute()
    return books.evaluate()


def waiting(books: Books) -> SymbolOutcome:
    books.broker.faults = [Fault.DIED_BEFORE]
    with pytest.raises(Died):
        books.enter()
    books.next_minute(2)
    return books.evaluate()


def sold_by_another(books: Books) -> SymbolOutcome:
    books.enter()
    books.lease("another run")
    books.price("18000")
    return books.one_pass()


def without_answer(books: Books) -> SymbolOutcome:
    books.enter()
    books.price("18000")
    books.once_at("balance", lambda: setattr(books.broker, "down", True))
    return books.one_pass()


def without_time(books: Books) -> SymbolOutcome:
    books.clock.left_ms = 9_999
    return books.enter()


def held_as_dust(books: Books) -> SymbolOutcome:
    books.broker.fill_fraction = dec("0.01")
    books.enter()
    books.price("18000")
    return books.one_pass()


BOUGHT = "{name} is closed: filled"
UNKNOWN = "{name} is unknown: the run that journaled it did not finish"
BUSY = "another run has the symbol"
DUST = "price 18000 reached the stop at 19001, but what is held is dust"


@pytest.mark.parametrize(
    ("run", "decision", "reason"),
    [
        (entered, Decision.ENTER, "the script says enter"),
        (left_alone, Decision.BLOCKED, "exchange: 3 requests in a row had no answer"),
        (settled, Decision.SETTLED, BOUGHT),
        (waiting, Decision.WAITING, UNKNOWN),
        (sold_by_another, Decision.BUSY, BUSY),
        (without_answer, Decision.ERROR, "balance: the exchange did not answer"),
        (without_time, Decision.ERROR, "less than 10000 ms are left of the invocation"),
        (held_as_dust, Decision.HOLD, DUST),
    ],
)
def test_a_run_tells_why_and_the_price_and_the_books_that_it_leaves(
    books: Books, run: Callable[[Books], SymbolOutcome], decision: Decision, reason: str
) -> None:
    outcome = run(books)
    name = outcome.order.client_order_id if outcome.order else ""
    assert outcome.symbol == BTC
    assert outcome.decision is decision
    assert outcome.reasons == (reason.format(name=name),)
    stands = books.store.glance().ledgers[BTC]
    assert outcome.ledger
    assert (outcome.ledger.position, outcome.ledger.pending) == (stands.position, stands.pending)
    assert outcome.quote
    assert outcome.quote.bid == books.broker.quotes[BTC].bid


def test_an_order_that_another_run_is_settling_is_told_as_busy(books: Books) -> None:
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.lease("another run")
    outcome = books.evaluate()
    assert (outcome.symbol, outcome.decision) == (BTC, Decision.BUSY)
    assert outcome.reasons == (BUSY,)
    assert outcome.ledger == books.ledger


def test_a_position_without_a_price_is_told_with_what_is_held(books: Books) -> None:
    books.enter()
    del books.broker.quotes[BTC]
    outcome = books.one_pass()
    assert outcome.decision is Decision.ERROR
    assert outcome.reasons == ("the exchange quotes no price",)
    assert outcome.ledger == books.ledger


def test_a_pass_whose_books_moved_under_it_is_told_as_busy(books: Books) -> None:
    books.stops = StopRules(trailing_pct=3)
    books.enter()
    books.price("21000")
    books.once_at("tickers", lambda: books.store.commit([Replace(books.ledger)]))
    outcome = books.one_pass()
    assert outcome.decision is Decision.BUSY
    assert outcome.reasons == ("another run moved the books",)
    assert outcome.quote
    assert outcome.quote.bid == dec(21_000)
    assert outcome.ledger
    assert outcome.ledger.position == books.ledger.position


def test_an_entry_that_was_refused_unasked_is_told_with_its_limits_as_any_other(
    books: Books,
) -> None:
    books.limits = RiskLimits(orders_per_hour_max=6)
    books.broker.troubled = "3 requests in a row had no answer"
    risk = books.enter().as_json()["risk"]
    assert risk["reasons"] == ["exchange: 3 requests in a row had no answer"]
    assert risk["limits"]["orders_per_hour_max"] == 6


def test_of_passes_that_made_no_order_the_last_one_is_told(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.clock.on_wait = lambda _at_ms: books.price("21000")
    (outcome,) = books.exits()
    assert outcome.quote
    assert outcome.quote.bid == dec(21_000)
    assert outcome.reasons == ("stop at 19000.95, peak 21000",)


def test_the_heartbeat_of_many_passes_is_that_of_the_tick(books: Books) -> None:
    books.enter()
    books.next_minute()
    tick = books.tick(Job.EXITS)
    outcome = exits(books.desk, tick)
    assert books.broker.calls.count("tickers") > 2
    assert outcome.tick == tick
    assert books.store.glance().heartbeats[Job.EXITS].scheduled_ms == tick.scheduled_ms
