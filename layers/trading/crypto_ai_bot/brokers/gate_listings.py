"""What Gate lists under one client order id: open orders, finished ones, and trades.

`text` is read by us in every row and never asked for: Gate finds a finished order by its own id
alone (reference gate-spot 0.2). Nothing here ends early: a listing that is not whole is no
evidence.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

from crypto_ai_bot.brokers.gate_prices import pair_id
from crypto_ai_bot.brokers.gate_words import read_id, read_order
from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import Order, OrderReport

ORDERS_A_PAGE: Final = 100
TRADES_A_PAGE: Final = 1_000
PAGES_MAX: Final = 100  # Gate pages trades no further: limit times page is at most 100,000
RANGE_SECONDS_MAX: Final = 7 * 86_400
_MARGIN_MS: Final = 120_000  # our clock and Gate's may differ


class Ask(Protocol):
    """Makes one signed request and reads its answer; ExchangeUnavailable when there is none."""

    def __call__[T](self, what: str, ask: Callable[[Any], Any], read: Callable[[Any], T]) -> T:
        """`read(ask(gate))`."""
        ...


class FetchById(Protocol):
    """Reads one order by Gate's own id; None when Gate says that there is none."""

    def __call__(self, exchange_order_id: str) -> OrderReport | None:
        """The order."""
        ...


class _Page(NamedTuple):
    """One page: its length, the order ids on it, those that must be ours, and our orders."""

    rows: int
    order_ids: frozenset[str]
    our_ids: frozenset[str] = frozenset()
    reports: tuple[OrderReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """The search for one order on one account, through every listing that could show it."""

    ask: Ask
    fetch_by_id: FetchById
    account: str
    order: Order

    def reports(self, server_ms: int) -> tuple[OrderReport, ...]:
        """All orders under the client order id, by their ids; none, one, or by a fault several.

        Open orders are listed first: one that finishes meanwhile shows among the finished. A trade
        whose order no listing shows yet names it, and it is read by its id.
        """
        # From before the order was journaled, by our clock and by Gate's.
        since_ms = min(self.order.journaled_ms, self.order.expires_ms) - _MARGIN_MS
        windows = list(_windows(since_ms, server_ms))
        orders = [*self._open_orders(), *(p for w in windows for p in self._finished_orders(w))]
        trades = [page for window in windows for page in self._trades(window)]
        found: dict[str, OrderReport] = {}
        _keep_most_advanced(found, (report for page in orders for report in page.reports))
        listed = {order_id for page in orders for order_id in page.order_ids}
        ours = {order_id for page in trades for order_id in page.our_ids}
        nameless = {order_id for page in trades for order_id in page.order_ids} - ours - listed
        told = {part for part in self.order.exchange_order_id.split("+") if part}
        for order_id in sorted(ours | nameless | told):
            if order_id in found and found[order_id].finished:
                continue
            report = self.fetch_by_id(order_id)
            if report is not None and report.client_order_id == self.order.client_order_id:
                _keep_most_advanced(found, [self._checked(report)])
            elif order_id in ours or (report is not None and order_id in told):
                raise ExchangeUnavailable(
                    f"gate: order {order_id} traded as {self.order.client_order_id} "
                    "and cannot be read under that name"
                )
        return tuple(found[order_id] for order_id in sorted(found, key=int))

    def _open_orders(self) -> Iterator[_Page]:
        question = {**self._scope(), "status": "open"}
        return self._pages("open orders", question, ORDERS_A_PAGE, _ask_orders, self._read_orders)

    def _finished_orders(self, window: Mapping[str, int]) -> Iterator[_Page]:
        question = {**self._scope(), "status": "finished", **window}
        return self._pages(
            "finished orders", question, ORDERS_A_PAGE, _ask_orders, self._read_orders
        )

    def _trades(self, window: Mapping[str, int]) -> Iterator[_Page]:
        question = {**self._scope(), **window}
        return self._pages("trades", question, TRADES_A_PAGE, _ask_trades, self._read_trades)

    def _scope(self) -> Mapping[str, Any]:
        return _scope(self.account, self.order.request.symbol)

    def _pages(
        self,
        listing: str,
        question: Mapping[str, Any],
        limit: int,
        ask: Callable[[Mapping[str, Any], Any], Any],
        read: Callable[[Any], _Page],
    ) -> Iterator[_Page]:
        what = f"{listing} of {self.order.request.symbol}"
        yield from _pages(self.ask, what, question, limit, ask, read)

    def _read_orders(self, rows: Any) -> _Page:
        rows = _rows(rows)
        reports = (read_order(row) for row in rows if row["text"] == self.order.client_order_id)
        return _Page(
            len(rows),
            frozenset(read_id(row, "id") for row in rows),
            reports=tuple(self._checked(report) for report in reports),
        )

    def _read_trades(self, rows: Any) -> _Page:
        """Trades of ours, and those of the old kind, which do not tell their order's name."""
        traded = [(read_id(row, "order_id"), row.get("text")) for row in _rows(rows)]
        return _Page(
            len(traded),
            frozenset(order_id for order_id, text in traded if not text),
            our_ids=frozenset(
                order_id for order_id, text in traded if text == self.order.client_order_id
            ),
        )

    def _checked(self, report: OrderReport) -> OrderReport:
        """The report, if it can be of our order: another side or pair would make the books lie."""
        request = self.order.request
        if (report.symbol, report.side) != (request.symbol, request.side):
            raise ExchangeUnavailable(
                f"gate: order {report.exchange_order_id} is called {report.client_order_id} "
                f"and is a {report.side} of {report.symbol}"
            )
        return report


def all_orders(
    ask: Ask, account: str, symbol: Symbol, since_ms: int, server_ms: int
) -> tuple[OrderReport, ...]:
    """Every order of one pair that is open, or finished since then, by their ids.

    Open orders are listed first: one that finishes meanwhile shows among the finished.
    """
    scope, found = _scope(account, symbol), dict[str, OrderReport]()
    questions: list[tuple[str, Mapping[str, Any]]] = [("open orders", {"status": "open"})]
    questions += [
        ("finished orders", {"status": "finished", **window})
        for window in _windows(since_ms, server_ms)
    ]
    for listing, question in questions:
        what, asked = f"{listing} of {symbol}", {**scope, **question}
        for page in _pages(ask, what, asked, ORDERS_A_PAGE, _ask_orders, _read_all):
            _keep_most_advanced(found, page.reports)
    return tuple(found[order_id] for order_id in sorted(found, key=int))


def _read_all(answer: Any) -> _Page:
    rows = _rows(answer)
    reports = tuple(read_order(row) for row in rows)
    return _Page(len(rows), frozenset(one.exchange_order_id for one in reports), reports=reports)


def _scope(account: str, symbol: Symbol) -> Mapping[str, Any]:
    return {"account": account, "currency_pair": pair_id(symbol)}


def _windows(since_ms: int, server_ms: int) -> Iterator[Mapping[str, int]]:
    """From `since_ms` until now, in ranges that Gate allows."""
    start, end = since_ms // 1_000, server_ms // 1_000 + 1
    while start < end:
        stop = min(start + RANGE_SECONDS_MAX, end)
        yield {"from": start, "to": stop}
        start = stop


def _pages(
    ask: Ask,
    what: str,
    question: Mapping[str, Any],
    limit: int,
    request: Callable[[Mapping[str, Any], Any], Any],
    read: Callable[[Any], _Page],
) -> Iterator[_Page]:
    """All pages of one listing. Raises ExchangeUnavailable when it does not come to an end."""
    for number in range(1, PAGES_MAX + 1):
        asked = partial(request, {**question, "limit": limit, "page": number})
        page = ask(f"{what}, page {number}", asked, read)
        yield page
        if page.rows < limit:
            return
    raise ExchangeUnavailable(f"gate {what}: more than {PAGES_MAX} pages")


def _keep_most_advanced(found: dict[str, OrderReport], reports: Iterable[OrderReport]) -> None:
    """Listings lag behind each other; an order only ever finishes and fills further."""
    for report in reports:
        known = found.setdefault(report.exchange_order_id, report)
        found[report.exchange_order_id] = max(
            known, report, key=lambda one: (one.finished, one.totals.base, one.updated_ms)
        )


def _rows(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise ValueError("not a list")
    return answer


def _ask_orders(question: Mapping[str, Any], gate: Any) -> Any:
    return gate.privateSpotGetOrders(question)


def _ask_trades(question: Mapping[str, Any], gate: Any) -> Any:
    return gate.privateSpotGetMyTrades(question)
