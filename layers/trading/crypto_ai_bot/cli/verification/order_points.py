"""The points that plain orders answer: expiry, statuses of labels, names used twice, closed pairs.

Each is tried with orders far from the market, so that one which should have been refused and was
taken costs nothing: it rests, and is cancelled.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from crypto_ai_bot.brokers.gate_words import REJECTING_LABELS
from crypto_ai_bot.cli.verification.findings import Answered, Unanswered
from crypto_ai_bot.cli.verification.hand import MARGIN, Hand
from crypto_ai_bot.cli.verification.recorder import Told
from crypto_ai_bot.domain.money import ceil_to_step, plain

_IN_TIME_MS: Final = 10_000
_PAST_MS: Final = 5_000
_STALE_MS: Final = 120_000  # Gate allows a Timestamp 60 s
_SERVER_ERRORS: Final = 500
_ABOVE: Final = Decimal("1.02")  # within Gate's band around the last price
_NO_BUYS: Final = frozenset({"untradable", "sellable"})


def expiry(hand: Hand) -> Iterator[Answered]:
    """Point 1: an order whose x-gate-exptime has passed, beside the same one in time."""
    hand.recorder.read_time()
    price, amount = hand.away()
    now_ms = hand.recorder.server_ms()
    in_time = hand.place(price=price, amount=amount, expires_ms=now_ms + _IN_TIME_MS)
    if not in_time.done:
        raise Unanswered(f"the same order in time was not taken either: {in_time}")
    late = hand.place(price=price, amount=amount, expires_ms=now_ms - _PAST_MS)
    evidence = (
        f"expiring in {_IN_TIME_MS // 1_000} s: {in_time}",
        f"expired {_PAST_MS // 1_000} s ago: {late}",
    )
    question = "what refuses a request whose x-gate-exptime has passed"
    if late.done:
        answer = "nothing: it was carried out"
        yield Answered("1", question, answer, evidence, proved=False)
    elif not late.label or late.status >= _SERVER_ERRORS:
        raise Unanswered(f"the expired order was answered with {late}")
    else:
        known = "" if late.label in REJECTING_LABELS else "; the program takes it for unknown"
        answer = f"HTTP {late.status} {late.label}{known}"
        yield Answered("1", question, answer, evidence, proved=not known)


def statuses(hand: Hand) -> Iterator[Answered]:
    """Point 5: one mistake for each label that a mistake can provoke."""
    met = {expected: mistake() for expected, mistake in _mistakes(hand)}
    seen = sorted({(told.label, told.status) for told in met.values() if told.label})
    odd = [f"for {name} came {told}" for name, told in met.items() if told.label != name]
    unread = [label for label, status in seen if status >= _SERVER_ERRORS]
    answer = ", ".join(f"{label} {status}" for label, status in seen)
    if unread:
        answer += f"; read as unknown for their status: {', '.join(unread)}"
    yield Answered("5", "the HTTP status of each label", answer, tuple(odd))


def _mistakes(hand: Hand) -> Sequence[tuple[str, Callable[[], Told]]]:
    """The label that each mistake should be answered with, and the mistake."""
    price, amount = hand.away()
    quote, step = hand.quote(), hand.rules.price_step_quote
    above, crossing = ceil_to_step(quote.last * _ABOVE, step), plain(quote.ask)
    ended = hand.rest(price=price, amount=amount)
    hand.cancel(ended)
    more = plain(hand.balance().free_base + Decimal(amount))
    fine = plain(Decimal(price) + step / 10)
    ask = hand.recorder.ask
    return (
        ("CLIENT_ID_NOT_FOUND", lambda: hand.order(hand.text())),
        ("ORDER_NOT_FOUND", lambda: hand.order("1")),
        ("ORDER_CANCELLED", lambda: hand.cancel(ended)),
        ("INVALID_CURRENCY_PAIR", lambda: ask("GET", "currency_pairs/NO_PAIR", signed=False)),
        ("INVALID_PRECISION", lambda: hand.place(price=fine, amount=amount)),
        ("INVALID_PARAM_VALUE", lambda: hand.place(price=price, amount="0")),
        ("BALANCE_NOT_ENOUGH", lambda: hand.place(side="sell", price=plain(above), amount=more)),
        ("FOK_NOT_FILL", lambda: hand.place(price=price, amount=amount, time_in_force="fok")),
        ("POC_FILL_IMMEDIATELY", lambda: hand.place(price=crossing, amount=amount)),
        ("AUTO_TRIGGER_PRICE_LESS_LAST", lambda: hand.place_when("<=", above, price, amount)),
        ("REQUEST_EXPIRED", lambda: ask("GET", "accounts", late_ms=_STALE_MS)),
        ("NOT_FOUND", lambda: ask("GET", "no_such_path")),
    )


def names(hand: Hand) -> Iterator[Answered]:
    """Point 7: a text used twice at once, and again after its order's end."""
    price, amount = hand.away()
    name = hand.text()
    first = hand.rest(price=price, amount=amount, text=name)
    second = hand.place(price=price, amount=amount, text=name)
    question = "is a text that was used before accepted"
    evidence = [f"first: order {first}", f"second: {second}"]
    if second.done and second.identity == first:
        yield Answered("7", question, "the first order is answered again: one order", (*evidence,))
    elif second.done:
        looked_up = hand.order(name)
        which = "the later" if looked_up.identity == second.identity else f"{looked_up}"
        yield Answered("7", question, f"yes: two orders; lookup gives {which}", (*evidence,))
        hand.cancel(second.identity)
    else:
        yield Answered("7", question, f"no: {second}", (*evidence,))
    hand.cancel(first)
    ended = hand.order(name)
    found = f"order {ended.identity}" if ended.done else f"{ended}"
    yield Answered("7b", "can an order be looked up by its text after its end", found)
    again = hand.place(price=price, amount=amount, text=name)
    answer = "yes" if again.done else f"no: {again}"
    yield Answered("7c", "is a text accepted again after its order's end", answer, (f"{again}",))


def closed_pair(hand: Hand) -> Iterator[Answered]:
    """Point 9: a buy of a pair that its trade_status forbids."""
    rows = hand.recorder.ask("GET", "currency_pairs", signed=False).rows
    quote = hand.symbol.quote
    closed = [r for r in rows if r["quote"] == quote and r["trade_status"] in _NO_BUYS]
    if not closed:
        raise Unanswered(f"no pair against {quote} is closed for buys here")
    row = closed[0]
    asked = {"currency_pair": row["id"]}
    [ticker] = hand.recorder.ask("GET", "tickers", asked, signed=False).rows
    price = Decimal(str(ticker["last"] or 0))
    if not price:
        raise Unanswered(f"{row['id']} is {row['trade_status']} and has no last price")
    step = Decimal(1).scaleb(-int(row["amount_precision"]))
    least = Decimal(str(row.get("min_quote_amount") or 1)) * MARGIN / price
    least = max(least, Decimal(str(row.get("min_base_amount") or 0)))
    told = hand.place(**asked, price=plain(price), amount=plain(ceil_to_step(least, step)))
    answer = "it was taken" if told.done else f"{told}"
    evidence = (f"buy of {row['id']}, {row['trade_status']}: {told}",)
    yield Answered("9", "what refuses a trade that trade_status forbids", answer, evidence)
