"""A stop that rests at the exchange, as the runs see it that judge and sell beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from books import Books
from builders import BTC, dec, market
from crypto_ai_bot.domain.exchange_stop import StopTerms
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import OrderState, Side, Totals
from crypto_ai_bot.domain.position import FLAT
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.ports.broker import Answer, Unknown
from crypto_ai_bot.ports.exchange_stops import Ended, Fate, Fired, Resting, StopOutcome, StopPlaced
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from fakes import Fault


@dataclass
class FakeStops:
    """The exchange's stops: each rests until it is removed, or until a test fires it."""

    fates: dict[str, Fate] = field(default_factory=dict)
    terms: list[StopTerms] = field(default_factory=list)
    silent: bool = False

    def place_stop(
        self, _symbol: Symbol, terms: StopTerms, _life_ms: int, _arrives_until_ms: int
    ) -> Answer:
        self.terms.append(terms)
        stop_id = f"stop {len(self.terms)}"
        self.fates[stop_id] = Resting()
        return Answer("" if self.silent else stop_id)

    def read_stop_answer(self, answer: Answer) -> StopOutcome:
        return StopPlaced(answer.raw) if answer.raw else Unknown("no answer")

    def find_stops(
        self, _symbol: Symbol, terms: StopTerms, _life_ms: int, _asked_ms: int
    ) -> Sequence[str]:
        found = [
            stop_id for stop_id, one in zip(self.fates, self.terms, strict=True) if one == terms
        ]
        return [] if self.silent else found

    def fetch_fate(self, _symbol: Symbol, stop_id: str) -> Fate:
        return self.fates[stop_id]

    def remove_stop(self, _symbol: Symbol, stop_id: str) -> Ended | Fired:
        fate = self.fates[stop_id]
        if isinstance(fate, Resting):
            fate = self.fates[stop_id] = Ended("cancelled")
        return fate


class Guarded(Books):
    """Books whose stops rest at the exchange as well."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at_exchange = FakeStops()

    @property
    def desk(self) -> Desk:
        desk = super().desk
        policy = replace(desk.policy, exchange_stop=True)
        return replace(desk, policy=policy, exchange_stops=self.at_exchange)

    def fire(self) -> None:
        """The price has touched the trigger: the stop sells, and nobody tells us."""
        (resting,) = [one for one, fate in self.at_exchange.fates.items() if fate == Resting()]
        terms = self.at_exchange.terms[-1]
        cost = terms.amount_base * terms.trigger_price
        totals = Totals(terms.amount_base, cost, fee_quote=cost * Decimal("0.002"))
        self.broker._apply(BTC, Side.SELL, totals, "")
        self.at_exchange.fates[resting] = Fired(self.broker.orders[-1][0])


@pytest.fixture
def books() -> Guarded:
    return Guarded()


def assert_sold_by_the_stop(books: Guarded, outcome: SymbolOutcome) -> None:
    assert outcome.decision is Decision.STOP
    assert outcome.order
    assert outcome.order.client_order_id == "stop-7002"
    assert outcome.order.state is OrderState.CLOSED
    assert outcome.reasons[-1].startswith("the stop at the exchange fired at ")
    assert outcome.quote
    assert outcome.quote.bid == books.broker.quotes[BTC].bid
    assert outcome.ledger == books.ledger
    assert books.ledger.exchange_stop is None
    assert len(books.broker.submissions) == 1, "we sold nothing beside it"
    books.assert_books_equal_exchange()


def test_a_pass_that_sells_nothing_leaves_a_stop_at_the_exchange_and_says_so(
    books: Guarded,
) -> None:
    books.enter()
    outcome = books.one_pass()
    assert outcome.decision is Decision.HOLD
    assert outcome.reasons == (
        "stop at 19000.95, peak 20001",
        "a stop rests at the exchange at 19000.9",
    )
    (terms,) = books.at_exchange.terms
    assert terms.amount_base == market().sellable_base(books.ledger.position.base, dec(20_000))
    assert books.ledger.exchange_stop
    assert outcome.ledger == books.ledger
    assert outcome.quote
    assert outcome.quote.bid == books.broker.quotes[BTC].bid
    assert outcome.order is None


def test_a_stop_that_fired_is_told_by_the_pass_that_wanted_to_raise_it(books: Guarded) -> None:
    books.stops = StopRules(trailing_pct=3)
    books.enter()
    books.one_pass()
    books.fire()
    books.price("21000")
    assert_sold_by_the_stop(books, books.one_pass())


def test_a_sell_of_ours_takes_the_stop_away_first(books: Guarded) -> None:
    books.enter()
    books.one_pass()
    outcome = books.evaluate(Action.EXIT)
    assert outcome.decision is Decision.EXIT
    assert outcome.ledger == books.ledger
    assert books.ledger.exchange_stop is None
    assert books.at_exchange.fates == {"stop 1": Ended("cancelled")}
    books.assert_books_equal_exchange()


@pytest.mark.parametrize("price", ["18000", "20000"])
def test_a_sell_of_ours_that_finds_the_stop_fired_sells_nothing_more(
    books: Guarded, price: str
) -> None:
    books.enter()
    books.one_pass()
    books.fire()
    books.price(price)
    books.next_minute()
    assert_sold_by_the_stop(books, books.evaluate(Action.EXIT))


def test_a_sell_of_ours_waits_while_it_is_not_known_whether_a_stop_rests(books: Guarded) -> None:
    books.enter()
    books.at_exchange.silent = True
    assert books.one_pass().reasons[-1].startswith("whether the stop rests is not known")
    outcome = books.evaluate(Action.EXIT)
    assert outcome.decision is Decision.WAITING
    assert outcome.reasons == ("whether the stop rests at the exchange is not known yet",)
    assert outcome.order is None
    assert outcome.ledger == books.ledger
    assert books.ledger.exchange_stop
    assert len(books.broker.submissions) == 1


def test_an_entry_does_not_take_a_stop_away_and_is_not_made_beside_it(books: Guarded) -> None:
    """A buy under a stop that rests would be sold by it at once."""
    books.enter()
    books.one_pass()
    gone = replace(books.ledger, position=FLAT, guard=None)
    assert books.store.commit([Replace(gone)]) is None
    books.next_minute(10)
    outcome = books.enter()
    assert outcome.decision is Decision.BLOCKED
    assert [reason.split(":")[0] for reason in outcome.reasons] == ["exchange_stop"]
    assert books.at_exchange.fates == {"stop 1": Resting()}


def test_no_stop_rests_while_a_refused_sell_may_have_been_made(books: Guarded) -> None:
    """Fired, it would sell what is sold already: coins that are not ours."""
    books.broker.balances["BTC"] = dec(1)
    books.enter()
    books.once_at("submit", lambda: setattr(books.broker, "down", True))
    books.broker.faults = [Fault.REJECTED]
    refused = books.evaluate(Action.EXIT).order
    assert refused
    books.broker.down = False
    outcome = books.one_pass()
    assert outcome.reasons[-1] == (
        f"no stop at the exchange: was {refused.client_order_id} made after all?"
    )
    assert not books.at_exchange.terms
    for _ in range(3):
        books.next_minute(10)
        books.reconcile()
    assert books.one_pass().reasons[-1].startswith("a stop rests at the exchange")
