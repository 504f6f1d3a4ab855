"""The matrix of outcomes: each row of gate-spot 3.1 and each fault of 8.10, lived through.

Each case is one decision of the real use cases whose submission meets the fault, before or after
its effect, as a buy (an entry) or a sell (a stop), in a process that survives or that dies with
the answer in its hand. Then the deployment goes on, a pass each ten seconds of the market, until
nothing is under way. `python -m contract.outcome_matrix` (with tests/ on the path) lives through
all of them and writes the table to .local/matrix.txt.
"""

import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.domain.order import CAME_TO_NOTHING, Order, OrderState, Side
from crypto_ai_bot.local.exchange.engine.orders import SpotOrder
from crypto_ai_bot.reconciliation.resolve import (
    ABSENCE_WINDOW_MS,
    ABSENCES_NEEDED,
    ARRIVAL_MARGIN_MS,
)
from fakes import Died
from live_desk import LiveDesk, live_desk

TABLE: Final = Path(__file__).parents[2] / ".local/matrix.txt"
_ORDER: Final = {"method": "POST", "path": "/spot/orders$"}
BEFORE, AFTER = "before", "after"
# Found at the first pass after the death's lease (70 s); proved absent once the signature is no
# longer good (60 s and 2 s), or the lease is over, and three searches over 30 s found nothing.
FOUND_WITHIN_S: Final = 80
ABSENT_WITHIN_S: Final = 120


class Detour:
    """The network of a submission is another one; everything else goes its way."""

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        fetch: Any = super().fetch  # type: ignore[misc]  # ccxt's, in which this is mixed
        if method == "POST":
            return self.submit(fetch, url, headers, body)
        return fetch(url, method, headers, body)

    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        return fetch(url, "POST", headers, body)


class NobodyListens(Detour):
    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return fetch(url.replace(str(urlsplit(url).port), str(port)), "POST", headers, body)


class NoSuchName(Detour):
    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        return fetch(url.replace("127.0.0.1", "exchange.invalid"), "POST", headers, body)


class NeverConnects(Detour):
    """The queue of a listener that nobody serves is full: the handshake is never answered."""

    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        with full_listener() as port:
            return fetch(url.replace(str(urlsplit(url).port), str(port)), "POST", headers, body)


class NotTls(Detour):
    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        return fetch(url.replace("http:", "https:"), "POST", headers, body)


class RaisesBefore(Detour):
    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        del fetch, url, headers, body
        raise RuntimeError("a fault of the program, before the request")


class RaisesAfter(Detour):
    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        fetch(url, "POST", headers, body)
        raise RuntimeError("a fault of the program, after the answer")


class RefusesToSign(Detour):
    """An argument that the client will not have: raised before anything is sent."""

    def sign(self, path: str, api: Any, method: str = "GET", *more: Any, **named: Any) -> Any:
        if method == "POST":
            raise ValueError("an argument that cannot be")
        return super().sign(path, api, method, *more, **named)  # type: ignore[misc]  # ccxt's


class LosesExpiry(Detour):
    """Gate does not heed x-gate-exptime on the way this request takes."""

    def submit(self, fetch: Any, url: str, headers: Any, body: Any) -> Any:
        kept = {name: text for name, text in headers.items() if name != "x-gate-exptime"}
        return fetch(url, "POST", kept, body)


@contextmanager
def full_listener() -> Iterator[int]:
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for one in (first, second):
            one.setblocking(False)  # noqa: FBT003 - the socket's own word
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@dataclass(frozen=True)
class Row:
    """One way for a submission to go, and how many orders there are at the exchange in the end.

    `fault` is the exchange's rule, `detour` a network of its own; `whens` says where it can strike.
    `orders` overrules what before (none) and after (one) mean; of a duplicated sell the second is
    refused, for the whole position is sold already. `impatient` gives the client short deadlines.
    `alike`: another row differs by its answer alone, which a process that dies never reads.
    """

    name: str
    fault: Mapping[str, Any] = field(default_factory=dict)
    detour: Mapping[str, type[Detour]] = field(default_factory=dict)
    whens: tuple[str, ...] = (BEFORE, AFTER)
    orders: Mapping[Side, int] = field(default_factory=dict)
    impatient: bool = False
    alike: bool = False

    def expected(self, when: str, side: Side) -> int:
        return self.orders.get(side, int(when == AFTER))


def fault(name: str, kind: str, **rule: Any) -> Row:
    return Row(name, {"kind": kind, **rule})


def labelled(status: int, labels: list[str]) -> Iterator[Row]:
    """Answers with a label of one class."""
    for number, label in enumerate(labels):
        rule = {"kind": "label", "label": label, "code": status}
        yield Row(f"{status} {label}", rule, alike=number > 0)


def unlabelled(kind: str, statuses: list[int]) -> Iterator[Row]:
    """Answers of one class that say nothing but their status."""
    for number, status in enumerate(statuses):
        name = "redirect" if kind == "redirect" else "no label"
        yield Row(f"{status} {name}", {"kind": kind, "code": status}, alike=number > 0)


def effect(name: str, kind: str, buys: int, sells: int, **rule: Any) -> Row:
    """A fault that has no answer of its own to spoil before or after."""
    orders = {Side.BUY: buys, Side.SELL: sells}
    return Row(name, {"kind": kind, **rule}, whens=("-",), orders=orders)


def network(name: str, impatient: bool = False, **detour: type[Detour]) -> Row:  # noqa: FBT001, FBT002 - a table's column
    return Row(name, detour=detour, whens=tuple(detour), impatient=impatient)


def impatient(name: str, kind: str, **rule: Any) -> Row:
    return Row(name, {"kind": kind, **rule}, impatient=True)


SERVER_LABELS = ["SERVER_ERROR", "INTERNAL", "INTERNAL_SERVER_ERROR", "TOO_BUSY", "SERVER_TIMEOUT"]
REPEAT_LABELS = ["REPEAT_REQUEST", "DUPLICATE_REQUEST", "ORDER_EXISTS", "REPEATED_CREATION"]
OTHER_LABELS = ["ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND", "NEVER_HEARD_OF"]
REFUSALS = ["BALANCE_NOT_ENOUGH", "INVALID_PARAM_VALUE", "INVALID_CURRENCY_PAIR", "READ_ONLY"]
NO_LABEL = [400, 403, 404, 405, 409, 408, 417, 429, 500, 502, 503, 504]

ROWS: Final[tuple[Row, ...]] = (
    Row("201 id and text", whens=("-",), orders={Side.BUY: 1, Side.SELL: 1}),
    fault("202", "202"),
    fault("200 HTML", "html", code=200),
    fault("200 empty", "empty"),
    fault("204", "204"),
    fault("200 null", "null"),
    fault("200 list", "list"),
    fault("cut header", "partial_header"),
    fault("cut body, no length", "no_length_trunc"),
    network("connection refused", before=NobodyListens),
    network("no such name", before=NoSuchName),
    network("connect timed out", before=NeverConnects, impatient=True),
    network("TLS failure", before=NotTls),
    impatient("hang", "hang"),
    impatient("slow", "slow", seconds=2.0),
    impatient("body stalls", "stall"),
    impatient("slow drip", "drip"),
    fault("RST", "rst"),
    fault("FIN", "fin"),
    fault("cut body with length", "truncate"),
    fault("cut chunked", "chunked_trunc"),
    fault("corrupt gzip", "bad_gzip"),
    *unlabelled("html", NO_LABEL),
    *labelled(500, SERVER_LABELS),
    *labelled(400, SERVER_LABELS),
    *labelled(400, REPEAT_LABELS),
    *labelled(404, OTHER_LABELS),
    fault("500 BALANCE_NOT_ENOUGH", "label", label="BALANCE_NOT_ENOUGH", code=500),
    *labelled(400, REFUSALS),
    fault("429 TOO_MANY_REQUESTS", "429"),
    network("raised before the request", before=RefusesToSign),
    *unlabelled("redirect", [301, 302, 303, 307, 308]),
    network("not ccxt's error", before=RaisesBefore, after=RaisesAfter),
    effect("clock 4 s ahead", "skew", 0, 0, ms=4_000),
    effect("clock 70 s ahead", "skew", 0, 0, ms=70_000),
    effect("clock 1 s ahead", "skew", 1, 1, ms=1_000),
    effect("applied 2 s late", "late_apply", 1, 1, seconds=2),
    effect("arrives 30 s late", "late_apply", 0, 0, seconds=30),
    Row(
        "applied 30 s late, no expiry",
        {"kind": "late_apply", "seconds": 30},
        {"-": LosesExpiry},
        whens=("-",),
        orders={Side.BUY: 1, Side.SELL: 1},
    ),
    effect("applied twice, answer lost", "duplicate_apply", 2, 1, answer="fin"),
)


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    row: Row
    when: str
    side: Side
    dies: bool

    def __str__(self) -> str:
        return f"{self.row.name}-{self.when}-{self.side}-{'dies' if self.dies else 'survives'}"


@dataclass(frozen=True)
class Lived:
    """What became of one case. `seconds` are the market's, from the journal to the settlement."""

    case: Case
    answer: str
    orders: int
    posts: int
    state: OrderState
    seconds: int

    @property
    def as_promised(self) -> bool:
        """One POST at most, and as many orders at the exchange as the row allows."""
        return self.posts <= 1 and self.orders == self.case.row.expected(
            self.case.when, self.case.side
        )

    def line(self) -> str:
        case = self.case
        return (
            f"{case.row.name:<30} {case.when:<7} {case.side:<5} "
            f"{'dies' if case.dies else 'survives':<9} {self.answer:<9} {self.orders:>6} "
            f"{self.posts:>5} {self.state:<11} {self.seconds:>5}"
        )


HEADER: Final = (
    f"{'what happens to the submission':<30} {'when':<7} {'side':<5} {'process':<9} "
    f"{'first':<9} {'orders':>6} {'POSTs':>5} {'settled as':<11} {'after s':>7}"
)


def cases(sides: Iterable[Side] = tuple(Side), *, whole: bool = False) -> list[Case]:
    """Every cell; unless the whole is wanted, of rows that are alike only the first one dies."""
    return [
        Case(row, when, side, dies)
        for row in ROWS
        for when in row.whens
        for side in sides
        for dies in (False, True)
        if whole or not (dies and row.alike)
    ]


def live_through(case: Case) -> Lived:
    """Lives through one case; AssertionError where its books or their evidence break a promise."""
    with live_desk() as desk:
        if case.side is Side.SELL:
            desk.enter()
            desk.assert_books_equal_exchange()
            desk.clock.advance(60_000)
            desk.price(50_000)
        already = len(desk.journaled())
        _meet(case, desk)
        order = desk.journaled()[already]
        answer = order.state if order.answer else OrderState.PENDING
        for _ in range(60):
            if not desk.ledger.pending:
                break
            desk.clock.advance(10_000)
            desk.exits()
        for _ in range(2):  # nothing comes after it, however long one waits
            desk.clock.advance(40_000)
            desk.exits()
        return _judged(case, desk, desk.journaled()[already], answer)


def _meet(case: Case, desk: LiveDesk) -> None:
    """The run whose submission meets the fault."""
    row = case.row
    desk.detour = row.detour.get(case.when)
    desk.new_process()
    if row.impatient:
        _hurry(desk.client)
    if row.fault:
        when = {} if case.when == "-" else {"when": case.when}
        desk.grounds.strike(**{**_ORDER, **row.fault, **when})
    desk.store.dies_with_an_answer = case.dies
    try:
        desk.enter() if case.side is Side.BUY else desk.exits()
    except Died:
        assert case.dies
    desk.detour = None
    if row.impatient or case.dies or row.detour:
        desk.new_process()


def _hurry(client: CcxtClient) -> None:
    """Short deadlines for the submission, and for nothing else: a busy machine is no fault."""
    submit = client.submit

    def hurried(*asked: Any) -> Any:
        patience = client._deadline_ms, client._exchange.timeout
        client._deadline_ms, client._exchange.timeout = 600, 250
        try:
            return submit(*asked)
        finally:
            client._deadline_ms, client._exchange.timeout = patience

    client.submit = hurried  # type: ignore[assignment,method-assign]  # sooner given up


def _judged(case: Case, desk: LiveDesk, order: Order, answer: OrderState) -> Lived:
    made = [one for one in desk.orders() if one.wish.text == order.client_order_id]
    settled_ms = next(
        at_ms
        for at_ms, one in desk.store.states
        if one.client_order_id == order.client_order_id and not one.unresolved
    )
    posts = [one.body for one in desk.posts() if one.fault != "duplicate_apply" or one.when]
    lived = Lived(
        case,
        answer,
        len(made),
        sum(order.client_order_id in body for body in posts),
        order.state,
        (settled_ms - order.journaled_ms) // 1_000,
    )
    _assert_no_guess(order, made, settled_ms)
    _assert_settled(case, desk)
    assert lived.seconds <= (FOUND_WITHIN_S if made else ABSENT_WITHIN_S)
    return lived


def _assert_no_guess(order: Order, made: list[SpotOrder], settled_ms: int) -> None:
    """I10: settled as what is true, and as absent only by evidence."""
    assert not order.unresolved
    assert (order.state in CAME_TO_NOTHING) == (not made)
    if order.state is OrderState.NOT_PLACED:
        assert order.absences + 1 >= ABSENCES_NEEDED  # and the search that made the proof
        assert settled_ms > order.expires_ms + ARRIVAL_MARGIN_MS
        assert settled_ms >= order.absent_since_ms + ABSENCE_WINDOW_MS


def _assert_settled(case: Case, desk: LiveDesk) -> None:
    """I1, I3, I4, I7 and gate-spot 8.11, and that a stop has sold in the end."""
    desk.assert_books_equal_exchange()
    journaled = {one.client_order_id: one for one in desk.journaled()}
    for one in desk.orders():
        assert journaled[one.wish.text].journaled_ms <= one.created_ms
        assert not journaled[one.wish.text].unresolved
    names = [name for name in journaled for post in desk.posts() if name in post.body]
    doubled = case.row.fault.get("kind") == "duplicate_apply"
    assert len(names) == len(set(names)) + doubled
    assert not desk.ledger.halt
    if case.side is Side.SELL:
        assert desk.ledger.guard is None
        assert len([one for one in desk.orders() if one.wish.side is Side.SELL]) == 1
    else:
        assert bool(desk.ledger.guard) == bool(desk.orders())


def main() -> None:
    """Lives through every case on two processes, prints the matrix and writes it down."""
    with Pool(2) as pool:
        lived = pool.map(live_through, cases(whole=True), chunksize=4)
    lines = [HEADER, *(one.line() for one in lived)]
    lines.append(f"{len(lived)} cases, {sum(one.orders for one in lived)} orders at the exchange")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n")
    sys.stdout.write("\n".join(lines) + "\n")
    assert all(one.as_promised for one in lived)


if __name__ == "__main__":
    main()
