"""Keys, permissions, clocks, delisted pairs, money that is gone, and a second one with our key.

One clear line each; the position is kept as it is, and sold as soon as that can be done.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from contract.outcome_matrix import Detour, LosesExpiry
from crypto_ai_bot.domain.errors import AnotherDeployment, ExchangeRefusesKey
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.order import OrderState
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.instance import Instance
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from live_desk import KEY, PAIR, SECRET, LiveDesk, live_desk


@pytest.fixture
def desk() -> Iterator[LiveDesk]:
    with live_desk() as made:
        yield made


def holding(desk: LiveDesk) -> LiveDesk:
    """A position whose stop has been reached."""
    desk.enter()
    desk.clock.advance(60_000)
    desk.price(50_000)
    return desk


def only(outcome: Any) -> SymbolOutcome:
    (one,) = outcome.symbols
    assert isinstance(one, SymbolOutcome)
    return one


def revise_key(desk: LiveDesk, **changes: Any) -> None:
    keys = desk.grounds.hall.keyring.keys
    keys[KEY] = replace(keys[KEY], **changes)


def bad_key(desk: LiveDesk) -> None:
    desk.keys = ("nobody-has-this-key-at-all-77", SECRET)
    desk.new_process()


def bad_secret(desk: LiveDesk) -> None:
    desk.keys = (KEY, "not-the-secret-of-that-key-31")
    desk.new_process()


def expired(desk: LiveDesk) -> None:
    revise_key(desk, state="expired")


def no_permission(desk: LiveDesk) -> None:
    revise_key(desk, permissions={"wallet": "r"})


def ip_forbidden(desk: LiveDesk) -> None:
    revise_key(desk, ip_whitelist=("203.0.113.7",))


def clock_off(desk: LiveDesk) -> None:
    desk.clock_off_ms = 70_000


def repaired(desk: LiveDesk) -> None:
    desk.keys, desk.clock_off_ms = (KEY, SECRET), 0
    revise_key(
        desk,
        state="normal",
        ip_whitelist=(),
        permissions={"spot": "rw", "wallet": "r", "account": "rw"},
    )
    desk.new_process()


KEY_TROUBLES = [
    (bad_key, "INVALID_KEY: Gate does not know API_KEY"),
    (bad_secret, "INVALID_SIGNATURE: API_SECRET is not the secret of API_KEY"),
    (expired, "INVALID_KEY: Gate does not know API_KEY (a key without an IP list ends after 90"),
    (no_permission, "FORBIDDEN: the API key has no permission for this"),
    (ip_forbidden, "IP_FORBIDDEN: this address is not on the API key's IP list"),
    (clock_off, "set this machine's clock (NTP) (they are +70.0 s apart)"),
]


@pytest.mark.parametrize(("breaks", "said"), KEY_TROUBLES, ids=lambda x: getattr(x, "__name__", ""))
def test_trouble_with_the_key_is_one_line_and_the_stop_sells_once_it_is_over(
    desk: LiveDesk, breaks: Callable[[LiveDesk], None], said: str
) -> None:
    held = holding(desk).ledger
    breaks(desk)
    with pytest.raises(ExchangeRefusesKey) as error:
        desk.exits()
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert desk.ledger.position == held.position
    assert desk.ledger.guard == held.guard
    assert desk.ledger.lease is None
    repaired(desk)
    desk.clock.advance(10_000)
    assert only(desk.exits()).decision is Decision.STOP
    desk.assert_books_equal_exchange()


@pytest.mark.parametrize(("breaks", "said"), KEY_TROUBLES, ids=lambda x: getattr(x, "__name__", ""))
def test_trouble_with_the_key_makes_no_entry(
    desk: LiveDesk, breaks: Callable[[LiveDesk], None], said: str
) -> None:
    breaks(desk)
    with pytest.raises(ExchangeRefusesKey) as error:
        desk.enter()
    assert said.partition(":")[0] in str(error.value)
    assert not desk.posts()
    assert not desk.journaled()


def test_a_key_that_may_only_read_is_told_at_each_refused_sale_and_loses_nothing(
    desk: LiveDesk,
) -> None:
    held = holding(desk).ledger.position
    revise_key(desk, permissions={"spot": "r", "wallet": "r"})
    order = only(desk.exits()).order
    assert order
    assert order.state is OrderState.REJECTED
    assert desk.ledger.position == held
    texts = [event.text for event in desk.store.events(10)]
    assert any("made no order (rejected): READ_ONLY" in text for text in texts)
    repaired(desk)
    desk.clock.advance(10_000)
    assert only(desk.exits()).decision is Decision.STOP
    desk.assert_books_equal_exchange()


@pytest.mark.parametrize(
    "changes", [{"trade_status": "untradable"}, {"trade_status": "sellable"}, {"delisting_s": 1}]
)
def test_a_pair_that_is_being_delisted_is_not_entered(
    desk: LiveDesk, changes: dict[str, Any]
) -> None:
    desk.grounds.hall.market.revise(PAIR, **changes)
    outcome = only(desk.enter())
    assert outcome.decision is Decision.BLOCKED
    assert any(reason.startswith("market: ") for reason in outcome.reasons)
    assert not desk.posts()


def test_a_pair_that_may_only_be_sold_is_sold_at_its_stop(desk: LiveDesk) -> None:
    holding(desk)
    desk.grounds.hall.market.revise(PAIR, trade_status="sellable", delisting_s=1)
    desk.reconcile()
    assert only(desk.exits()).decision is Decision.STOP
    desk.assert_books_equal_exchange()


def test_a_pair_that_was_closed_since_its_rules_were_read_refuses_and_is_told(
    desk: LiveDesk,
) -> None:
    held = holding(desk).ledger.position
    desk.grounds.hall.market.revise(PAIR, trade_status="untradable")
    assert only(desk.exits()).order.state is OrderState.REJECTED  # type: ignore[union-attr]  # made
    assert any("INVALID_CURRENCY_PAIR" in event.text for event in desk.store.events(10))
    desk.reconcile()
    desk.clock.advance(10_000)
    outcome = only(desk.exits())
    assert (outcome.decision, outcome.reasons) == (Decision.BLOCKED, ("market: untradable",))
    assert desk.ledger.position == held


def test_a_pair_that_is_gone_is_an_error_of_each_run_and_the_position_stays(
    desk: LiveDesk,
) -> None:
    held = holding(desk).ledger.position
    del desk.grounds.hall.market.listings[PAIR]
    outcome = only(desk.exits())
    assert outcome.decision is Decision.ERROR
    assert outcome.reasons == ("the exchange quotes no price",)
    assert desk.ledger.position == held


@pytest.mark.parametrize("left", ["0.0008", "0.00000001", "0"])
def test_what_is_left_of_a_position_that_was_withdrawn_is_sold_at_its_stop(
    desk: LiveDesk, left: str
) -> None:
    holding(desk)
    gone = desk.held("BTC") - Decimal(left)
    desk.grounds.hall.engine.transfer(desk.account, "BTC", -gone, desk.clock.now_ms())
    sellable = Decimal(left) > Decimal("0.0001")
    outcome = only(desk.exits())
    assert outcome.decision is (Decision.STOP if sellable else Decision.BLOCKED)
    posts = len(desk.posts())
    for _ in range(3):
        desk.clock.advance(10_000)
        outcome = only(desk.exits())
        assert outcome.decision is Decision.BLOCKED
        assert "base free at the exchange" in outcome.reasons[0]
    assert len(desk.posts()) == posts
    desk.clock.advance(10_000)
    assert only(desk.reconcile()).decision is Decision.HALTED
    assert desk.ledger.halt
    desk.assert_books_equal_exchange({"BTC": -gone})


def test_an_entry_that_the_account_cannot_pay_is_not_sent(desk: LiveDesk) -> None:
    desk.grounds.hall.engine.transfer(desk.account, "USDT", Decimal(-950), desk.clock.now_ms())
    assert only(desk.enter()).reasons == ("balance: 50 quote free, 100 needed",)
    assert not desk.posts()


def test_a_position_that_became_dust_is_kept_and_not_chased(desk: LiveDesk) -> None:
    holding(desk).price(1_000)
    posts = len(desk.posts())
    for _ in range(3):
        outcome = only(desk.exits())
        assert outcome.decision is Decision.HOLD
        assert outcome.reasons[0].endswith("but what is held is dust")
    assert len(desk.posts()) == posts
    desk.assert_books_equal_exchange()


def second(first: LiveDesk, owner: str) -> LiveDesk:
    """Another deployment with the key of the first, on the same lock table."""
    locks = TableStore(first.table, "locks")
    first.instance = Instance(locks, "0a1b2c3d4e5f", "the stack")
    return LiveDesk(
        first.grounds, first.url, first.clock, tag="two", instance=replace_owner(first, owner)
    )


def replace_owner(first: LiveDesk, owner: str) -> Instance:
    assert first.instance
    return replace(first.instance, owner=owner)


def test_a_second_deployment_with_the_same_key_asks_the_exchange_for_nothing(
    desk: LiveDesk,
) -> None:
    other = second(desk, "a laptop")
    holding(desk)
    asked = len(desk.grounds.line.log.entries)
    for run in (other.enter, other.exits, other.reconcile):
        with pytest.raises(AnotherDeployment, match="traded by the stack, for 540 s"):
            run()
    assert len(desk.grounds.line.log.entries) == asked
    assert only(desk.exits()).decision is Decision.STOP
    other.close()


class Frozen(Detour):
    """The sandbox stands still with a signed order in its hand, while others go on."""

    meanwhile: Callable[[], None]

    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        type(self).meanwhile()
        return fetch(url, "POST", headers, body)


class FrozenAndUnbounded(Frozen, LosesExpiry):
    """And Gate does not heed when the request should have ended."""

    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        type(self).meanwhile()
        return LosesExpiry.submit(self, fetch, url, headers, body)


@pytest.mark.parametrize(
    ("network", "frozen_s", "made"),
    [(Frozen, 80, 0), (Frozen, 20, 0), (FrozenAndUnbounded, 80, 0), (FrozenAndUnbounded, 20, 1)],
)
def test_a_holder_frozen_past_its_lease_writes_nothing_and_its_order_is_refused_or_adopted(
    desk: LiveDesk, network: type[Frozen], frozen_s: int, made: int
) -> None:
    """Freezes longer than the signature lives are refused; within it, what was made is found."""
    other = LiveDesk(desk.grounds, desk.url, desk.clock, table=desk.table)

    def meanwhile() -> None:
        for _ in range(frozen_s // 10):
            desk.clock.advance(10_000)
            other.exits()

    freezing = type("Freezing", (network,), {"meanwhile": staticmethod(meanwhile)})
    desk.detour = freezing
    desk.new_process()
    desk.enter()
    desk.detour = None
    desk.new_process()
    if frozen_s > 70:
        assert desk.ledger.lease is None
        assert desk.ledger.token > 1  # another run has the symbol since
        assert [one.lease_token for _, one in desk.store.states] == [1]  # the journal entry alone
    other.settle()
    assert len(desk.orders()) == made
    (order,) = desk.journaled()
    came_to = {OrderState.CLOSED} if made else {OrderState.NOT_PLACED, OrderState.REJECTED}
    assert order.state in came_to
    desk.assert_books_equal_exchange()
    other.close()


def test_with_exits_switched_off_the_watchdog_sells_at_the_stop_and_stops_entries(
    desk: LiveDesk,
) -> None:
    desk.dead_after_ms = 180_000
    desk.enter()
    desk.exits()
    for _ in range(3):
        desk.clock.advance(60_000)
        assert not desk.run(Job.WATCHDOG).symbols
    desk.price(50_000)
    desk.clock.advance(60_000)
    assert only(desk.run(Job.WATCHDOG)).decision is Decision.STOP
    desk.assert_books_equal_exchange()
    assert not desk.ledger.position.base > Decimal("0.000001")
    control = desk.store.glance().control
    assert (control.state, control.changed_by) == (TradingState.EXITS_ONLY, "watchdog")
    desk.clock.advance(600_000)
    assert only(desk.enter()).reasons[0] == "trading_state: exits_only makes no entry"


def test_an_order_repeated_on_its_way_whose_answer_arrived_is_found_and_has_its_stop(
    desk: LiveDesk,
) -> None:
    """The answer proves one order; reconcile finds the other by its name, which is ours."""
    desk.grounds.strike("duplicate_apply", method="POST", path="/spot/orders$")
    assert only(desk.enter()).decision is Decision.ENTER
    first, again = desk.orders()
    assert first.wish.text == again.wish.text
    assert only(desk.reconcile()).decision is Decision.SETTLED
    desk.assert_books_equal_exchange()
    assert "repeated the request" in desk.store.glance().control.reason
    desk.clock.advance(60_000)
    desk.price(50_000)
    desk.exits()
    desk.assert_books_equal_exchange()
    assert desk.orders()[2].filled_base > first.filled_base * Decimal("1.9")
