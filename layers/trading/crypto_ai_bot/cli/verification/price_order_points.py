"""The points that price orders answer: the countdown, reserved funds, the fired text, at market."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from crypto_ai_bot.cli.verification.findings import Answered, Unanswered
from crypto_ai_bot.cli.verification.hand import MARGIN, Hand
from crypto_ai_bot.cli.verification.recorder import Told
from crypto_ai_bot.domain.money import ceil_to_step, plain

_COUNTDOWN_SECONDS: Final = 5  # the least that Gate takes
_SETTLED_MS: Final = 5_000  # a balance that moves at all moves within that


def countdown(hand: Hand) -> Iterator[Answered]:
    """Point 2: a countdown runs out over a price order and, to see that it did, a resting order."""
    price, amount = hand.away()
    waiting = _waiting(hand, price, amount)
    resting = hand.rest(price=price, amount=amount)
    asked = {"timeout": _COUNTDOWN_SECONDS, "currency_pair": hand.pair}
    told = hand.recorder.ask("POST", "countdown_cancel_all", asked)
    if not told.done:
        raise Unanswered(f"the countdown was not taken: {told}")
    clock = hand.recorder.clock
    clock.wait_until(clock.now_ms() + _COUNTDOWN_SECONDS * 1_000)
    ended = hand.until(lambda: _ended(hand.order(resting)))
    hand.recorder.ask("POST", "countdown_cancel_all", {**asked, "timeout": 0})
    if not ended:
        raise Unanswered("the countdown did not cancel the resting order either")
    status = hand.price_order(waiting).field("status")
    answer = "no: it is still open" if status == "open" else f"yes: it is {status}"
    evidence = (f"resting order {resting} was cancelled", f"price order {waiting} is {status}")
    yield Answered("2", "does countdown_cancel_all touch price orders", answer, evidence)


def _ended(told: Told) -> bool:
    return told.field("status") == "cancelled" or told.label == "ORDER_NOT_FOUND"


def reserves(hand: Hand) -> Iterator[Answered]:
    """Point 3: the free balance before and after a price order, and after its end."""
    price, amount = hand.away()
    before = hand.balance().free_quote
    waiting = _waiting(hand, price, amount)
    hand.until(lambda: hand.balance().free_quote != before, _SETTLED_MS)
    after = hand.balance().free_quote
    evidence = (f"{plain(before)} free before, {plain(after)} after price order {waiting}",)
    question = "does a price order reserve funds"
    taken, needed = before - after, Decimal(price) * Decimal(amount)
    if not taken:
        yield Answered("3", question, "no: the free balance did not move", evidence)
    elif taken >= needed:
        yield Answered("3", question, f"yes: {plain(taken)} {hand.symbol.quote}", evidence)
    else:
        raise Unanswered(f"the free balance moved by {plain(taken)}, {plain(needed)} is its value")


def fired_text(hand: Hand) -> Iterator[Answered]:
    """Point 3, its second half: price orders one tick from the last price, until one fires.

    What it fires is a buy far below the market: it rests, and is cancelled.
    """
    price, amount = hand.away()
    last, tick = hand.quote().last, hand.rules.price_step_quote
    told = (
        hand.place_when("<=", last - tick, price, amount),
        hand.place_when(">=", last + tick, price, amount),
    )
    waiting = [one.identity for one in told if one.done]
    if not waiting:
        raise Unanswered(f"neither price order was taken: {told[0]}, {told[1]}")
    fired = hand.until(lambda: _first_end(hand, waiting))
    if fired is None:
        raise Unanswered(f"the price did not move a tick in {hand.wait_ms // 1_000} s: use --wait")
    identity = fired.field("fired_order_id")
    if not identity:
        raise Unanswered(f"it {fired.field('status')}: {fired.field('reason') or 'no reason'}")
    order = hand.until(lambda: _found(hand.order(identity)), _SETTLED_MS)
    if order is None:
        raise Unanswered(f"the fired order {identity} cannot be read")
    evidence = (f"price order {fired.identity} made order {identity}",)
    question = "which text does a fired order carry"
    yield Answered("3b", question, repr(order.field("text")), evidence)


def _first_end(hand: Hand, waiting: list[str]) -> Told | None:
    states = (hand.price_order(identity) for identity in waiting)
    return next((one for one in states if one.done and one.field("status") != "open"), None)


def _found(told: Told) -> Told | None:
    return told if told.done else None


def at_market(hand: Hand) -> Iterator[Answered]:
    """Point 4: a price order that is to trade at market."""
    price, _ = hand.away()
    spent = plain(ceil_to_step(hand.rules.amount_quote_min * MARGIN, hand.rules.price_step_quote))
    put = {"type": "market", "time_in_force": "ioc"}
    told = hand.place_when("<=", Decimal(price), "0", spent, **put)
    if not (told.done or told.label):
        raise Unanswered(f"it was answered with {told}")
    if told.label == "REPEAT_REQUEST":
        raise Unanswered("Gate takes it for a repetition")
    answer = "yes" if told.done else f"no: {told}"
    yield Answered("4", "does put.type=market work on price orders", answer, (f"{told}",))


def _waiting(hand: Hand, price: str, amount: str) -> str:
    """The id of a price order that will not fire; Unanswered when Gate does not take it."""
    told = hand.place_when("<=", Decimal(price), price, amount)
    if not told.identity:
        raise Unanswered(f"the smallest price order was not taken: {told}")
    return told.identity
