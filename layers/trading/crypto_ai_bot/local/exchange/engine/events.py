"""What time does: the next thing that is due on any account."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.orders import PriceOrderStatus, Rule

if TYPE_CHECKING:
    from crypto_ai_bot.local.exchange.engine.accounts import Account
    from crypto_ai_bot.local.exchange.engine.engine import Engine


class Event(NamedTuple):
    """Something due at `at_ms`; `act` does it."""

    at_ms: int
    act: Callable[[], None]


def earliest(engine: "Engine", until_ms: int) -> Event | None:
    """Return the first event until `until_ms`; of several at once, the older account's and order's.

    None where nothing is due.
    """
    events = (
        event
        for account in engine.accounts
        if account.open or account.open_price_orders or account.countdowns
        for event in _of(engine, account, until_ms)
        if event.at_ms <= until_ms
    )
    return min(events, key=lambda event: event.at_ms, default=None)


def _of(engine: "Engine", account: "Account", until_ms: int) -> Iterator[Event]:
    venue, now_ms = engine.venue, engine.now_ms
    for pair_id, at_ms in account.countdowns.items():
        yield Event(at_ms, partial(engine.end_countdown, account, pair_id))
    for resting in account.open.values():
        # Others stand at the same price before ours, so it trades when the price goes through it.
        pair_id = resting.wish.pair_id
        rules = venue.rules(pair_id)
        step = rules.price_step if rules else resting.price
        buy = resting.wish.side is Side.BUY
        through = resting.price - step if buy else resting.price + step
        rule = Rule.AT_MOST if buy else Rule.AT_LEAST
        found_ms = venue.first_reach(pair_id, rule, through, now_ms, until_ms)
        if found_ms is not None:
            yield Event(found_ms, partial(engine.fill_whole, account, resting))
    for order in account.open_price_orders.values():
        if order.due_ms is not None:
            yield Event(order.due_ms, partial(engine.put_fired, account, order))
            continue
        expired = PriceOrderStatus.EXPIRED
        yield Event(order.expires_ms, partial(engine.end_price_order, account, order, expired))
        found_ms = venue.first_reach(
            order.put.pair_id, order.trigger.rule, order.trigger.price, now_ms, until_ms
        )
        if found_ms is not None:
            yield Event(found_ms, partial(engine.fire, account, order))
