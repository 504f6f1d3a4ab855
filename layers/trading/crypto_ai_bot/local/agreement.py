"""Whether the books of a live rehearsal agree with the exchange's own, to the last digit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from crypto_ai_bot.brokers.gate_words import read_order
from crypto_ai_bot.domain.exchange_stop import fired_order_name
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.money import ZERO, plain, total
from crypto_ai_bot.domain.order import CAME_TO_NOTHING, Fill, Order, OrderReport, Side, Totals
from crypto_ai_bot.reconciliation.resolve import added_up
from crypto_ai_bot.storage.attributes import from_attributes
from crypto_ai_bot.storage.items import to_entity


@dataclass(frozen=True, slots=True)
class Books:
    """What the table holds of our side: every ledger, every order, every fill."""

    ledgers: tuple[Ledger, ...] = ()
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()

    @property
    def open_orders(self) -> tuple[Order, ...]:
        """Orders whose fate is not settled."""
        return tuple(order for order in self.orders if order.unresolved)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The comparison; no `disagreements` when every order and every digit is accounted for."""

    told: str
    disagreements: tuple[str, ...] = ()
    troubles: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.disagreements:
            return f"books     agree with the exchange to the last digit: {self.told}"
        lines = "\n".join(f"  {line}" for line in self.disagreements)
        return f"books     DO NOT AGREE with the exchange: {self.told}\n{lines}"


def read_books(client: Any, table: str) -> Books:
    """Everything that counts, straight from a table. `client` is a DynamoDB client."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = (from_attributes(item) for page in pages for item in page["Items"])
    found = [to_entity(item) for item in items]
    return Books(
        tuple(one for one in found if isinstance(one, Ledger)),
        tuple(one for one in found if isinstance(one, Order)),
        tuple(one for one in found if isinstance(one, Fill)),
    )


def agreement_of(
    books: Books,
    account: Mapping[str, Any],
    funds: Mapping[str, Decimal],
    troubles: Mapping[str, int] | None = None,
) -> Agreement:
    """Compare. `account` is the exchange's own state of it, `funds` what it was opened with."""
    listed: dict[str, list[OrderReport]] = {}
    journaled = {order.client_order_id for order in books.orders}
    for row in account["orders"]:
        report = read_order(row)
        fired = fired_order_name(report.exchange_order_id)
        name = fired if fired in journaled else report.client_order_id
        listed.setdefault(name, []).append(report)
    held = {
        coin: Decimal(row["available"]) + Decimal(row["locked"])
        for coin, row in account["balances"].items()
    }
    lines = [
        *_orders_apart(books.orders, listed),
        *_stops_apart(books.ledgers, account.get("price_orders", ())),
        *_fills_apart(books),
        *(f"{one.symbol} is halted: {one.halt.reason}" for one in books.ledgers if one.halt),
        *_balances_apart(books, funds, held),
    ]
    return Agreement(_told(books, held, troubles or {}), tuple(lines), troubles or {})


def _orders_apart(
    orders: Sequence[Order], listed: Mapping[str, Sequence[OrderReport]]
) -> Iterator[str]:
    journaled = {order.client_order_id: order for order in orders}
    for name in listed.keys() - journaled.keys():
        yield f"order {name} stands at the exchange and in no journal"
    for name, order in journaled.items():
        reports = listed.get(name, ())
        known = len(order.exchange_order_id.split("+"))  # several if it was repeated on its way
        if order.unresolved or len(reports) != (0 if order.state in CAME_TO_NOTHING else known):
            yield f"order {name} is {order.state}, for {len(reports)} at the exchange"
        elif reports and added_up(reports).totals != order.totals:
            yield f"order {name} traded {added_up(reports).totals}, in the journal {order.totals}"


def _stops_apart(ledgers: Sequence[Ledger], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    resting = {str(row["id"]) for row in rows if row["status"] == "open"}
    kept = {
        one for ledger in ledgers if ledger.exchange_stop for one in ledger.exchange_stop.stop_ids
    }
    for one in sorted(resting - kept):
        yield f"stop {one} rests at the exchange and in no ledger"
    for one in sorted(kept - resting):
        yield f"stop {one} stands in the ledger and does not rest at the exchange"


def _fills_apart(books: Books) -> Iterator[str]:
    for order in books.orders:
        fills = [one.traded for one in books.fills if one.client_order_id == order.client_order_id]
        if (total(one.base for one in fills), total(one.quote for one in fills)) != (
            order.totals.base,
            order.totals.quote,
        ):
            yield f"order {order.client_order_id}: its {len(fills)} fills do not add up to it"


def _balances_apart(
    books: Books, funds: Mapping[str, Decimal], held: Mapping[str, Decimal]
) -> Iterator[str]:
    expected = dict(funds)
    for ledger in books.ledgers:
        expected[ledger.symbol.base] = ledger.position.base
    for order in books.orders:
        quote = order.request.symbol.quote
        expected[quote] = expected.get(quote, ZERO) + _moved_quote(order.request.side, order.totals)
    for coin in sorted(expected.keys() | held.keys()):
        ours, theirs = expected.get(coin, ZERO), held.get(coin, ZERO)
        if ours != theirs:
            yield f"{coin}: {plain(theirs)} at the exchange, {plain(ours)} in the books"


def _moved_quote(side: Side, totals: Totals) -> Decimal:
    return (totals.quote if side is Side.SELL else -totals.quote) - totals.fee_quote


def _told(books: Books, held: Mapping[str, Decimal], troubles: Mapping[str, int]) -> str:
    traded = sum(bool(order.totals.base) for order in books.orders)
    nothing = sum(order.state in CAME_TO_NOTHING for order in books.orders)
    parts: Iterable[str] = (
        f"{len(books.orders)} orders ({traded} traded, {nothing} came to nothing)",
        *(f"{coin} {plain(amount)}" for coin, amount in sorted(held.items())),
        *(f"{number} {what}" for what, number in troubles.items()),
    )
    return ", ".join(parts)
