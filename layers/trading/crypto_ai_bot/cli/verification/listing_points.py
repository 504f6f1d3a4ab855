"""The points that listings answer: how they lag, how long they keep, how large they are."""

import json
from collections.abc import Iterator
from typing import Final

from crypto_ai_bot.cli.verification.findings import Answered, Unanswered
from crypto_ai_bot.cli.verification.hand import Hand
from crypto_ai_bot.cli.verification.recorder import Told

_TIMES: Final = 3  # a lag that is met once says nothing of the next


def lags(hand: Hand) -> Iterator[Answered]:
    """Point 6: what was bought, until the listings show it; what never filled, while they do."""
    clock = hand.recorder.clock
    orders_ms, trades_ms = [], []
    for _ in range(_TIMES):
        began_ms = clock.now_ms()
        bought = hand.buy()
        if not bought.done:
            raise Unanswered(f"the smallest market buy was not taken: {bought}")
        orders_ms.append(_shown_after(hand, bought.identity, began_ms, trades=False))
        trades_ms.append(_shown_after(hand, bought.identity, began_ms, trades=True))
    yield _lag("6", "how much status=finished lags", orders_ms)
    yield _lag("6b", "how much my_trades lags", trades_ms)
    began_ms = clock.now_ms()
    unfilled = hand.rest()
    hand.cancel(unfilled)
    question = "how long a finished order without a fill is listed"
    if not hand.until(lambda: _lists(hand.finished(began_ms), unfilled)):
        yield Answered("6c", question, f"not at all within {hand.wait_ms // 1_000} s")
        return
    gone = hand.until(lambda: not _lists(hand.finished(began_ms), unfilled))
    seconds = (clock.now_ms() - began_ms) // 1_000
    if gone:
        yield Answered("6c", question, f"{seconds} s, then it was gone", (f"order {unfilled}",))
    else:
        answer = f"more than {seconds} s; how much more is not established, look on with --wait"
        yield Answered("6c", question, answer, (f"order {unfilled}",))


def _shown_after(hand: Hand, identity: str, began_ms: int, *, trades: bool) -> int | None:
    """How many milliseconds after the order was sent it was listed; None when not in time."""
    if trades:
        shown = hand.until(lambda: _lists(hand.trades(began_ms), identity, "order_id"))
    else:
        shown = hand.until(lambda: _lists(hand.finished(began_ms), identity))
    return hand.recorder.clock.now_ms() - began_ms if shown else None


def _lag(point: str, question: str, seen_ms: list[int | None]) -> Answered:
    times = ", ".join("never" if one is None else f"{one} ms" for one in seen_ms)
    listed = [one for one in seen_ms if one is not None]
    if len(listed) < len(seen_ms):
        return Answered(point, question, f"longer than was waited for ({times})")
    answer = f"at most {max(listed)} ms in {len(listed)} tries, the round trip included"
    return Answered(point, question, answer, (times,))


def _lists(told: Told, identity: str, name: str = "id") -> bool:
    return any(str(row[name]) == identity for row in told.rows)


def sizes(hand: Hand) -> Iterator[Answered]:
    """Point 8: how large the lists of currencies and pairs are."""
    for point, path in (("8", "currencies"), ("8b", "currency_pairs")):
        rows = hand.recorder.ask("GET", path, signed=False).rows
        kilobytes = len(json.dumps(rows, separators=(",", ":"))) // 1_024
        answer = f"{len(rows)} rows, {kilobytes} KB unpacked"
        yield Answered(point, f"how large is the list of {path}", answer)
