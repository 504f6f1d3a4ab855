"""What the fills of an account tell when they are applied once more, from the first to the last."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ZERO, share_down
from crypto_ai_bot.domain.order import Fill, Order, Side
from crypto_ai_bot.domain.position import FLAT, Lot, Position, apply_fill


@dataclass(frozen=True, slots=True)
class Step:
    """One fill, the position of its symbol before and after it, and what it realised in quote."""

    fill: Fill
    before: Position
    after: Position
    realised_quote: Decimal


@dataclass(frozen=True, slots=True)
class Disposal:
    """What one fill of a sell took of one lot, first in, first out: a line for the tax office.

    `cost_quote` has the fee of the purchase in it, `proceeds_quote` is after the fee of the sale.
    """

    symbol: Symbol
    bought_by: str
    sold_by: str
    opened_ms: int
    closed_ms: int
    base: Decimal
    cost_quote: Decimal
    proceeds_quote: Decimal

    @property
    def profit_quote(self) -> Decimal:
        """What it brought, less what it cost."""
        return self.proceeds_quote - self.cost_quote


def in_order(fills: Iterable[Fill], orders: Mapping[str, Order]) -> list[Fill]:
    """`fills` in the order in which they happened, those of one symbol as they were applied.

    At the same time the order that was journaled first goes first, and within an order its fills
    by their number.
    """

    def place(fill: Fill) -> tuple[int, int, str, int]:
        order = orders.get(fill.client_order_id)
        number = fill.fill_id.rpartition(":")[2]
        return (
            fill.at_ms,
            order.journaled_ms if order else 0,
            fill.client_order_id,
            int(number) if number.isdecimal() else 0,
        )

    happened = sorted(fills, key=place)
    symbols = {fill.symbol for fill in happened}
    applied = {
        symbol: iter(
            sorted(
                (fill for fill in happened if fill.symbol == symbol),
                key=lambda fill: fill.ledger_version,
            )
        )
        for symbol in symbols
    }
    return [next(applied[fill.symbol]) for fill in happened]


def replayed(fills: Iterable[Fill]) -> Iterator[Step]:
    """Each fill applied to the position that those before it made, symbol by symbol, from nothing.

    Raises InvariantBroken at a fill that sells more than those before it brought.
    """
    held: dict[Symbol, Position] = {}
    for fill in fills:
        before = held.get(fill.symbol, FLAT)
        after, realised_quote = apply_fill(before, fill)
        held[fill.symbol] = after
        yield Step(fill, before, after, realised_quote)


def disposals(step: Step) -> list[Disposal]:
    """What the fill of `step` took of each lot; nothing for a buy.

    The profits add up to what it realised: the parts share the proceeds by their base, each cut
    down, and the last takes the rest.
    """
    fill = step.fill
    if fill.side is not Side.SELL:
        return []
    parts = list(_parts_taken(step.before, step.after))
    base_left = sum((part.base for part in parts), ZERO)
    proceeds_left = fill.traded.quote - fill.traded.fee_quote
    lines = []
    for part in parts:
        proceeds_quote = (
            proceeds_left
            if part.base == base_left
            else share_down(proceeds_left, part.base, base_left)
        )
        base_left, proceeds_left = base_left - part.base, proceeds_left - proceeds_quote
        lines.append(
            Disposal(
                symbol=fill.symbol,
                bought_by=part.client_order_id,
                sold_by=fill.client_order_id,
                opened_ms=part.opened_ms or fill.at_ms,
                closed_ms=fill.at_ms,
                base=part.base,
                cost_quote=part.cost_quote,
                proceeds_quote=proceeds_quote,
            )
        )
    return lines


def _parts_taken(before: Position, after: Position) -> Iterator[Lot]:
    """The lots, or the parts of them, that are in `before` and no more in `after`.

    A fee that is told after its sale takes no lot: it is a part of none, and of no base.
    A selling fill takes whole lots from the front and a part of the next at most; which, and at
    what cost, `apply_fill` alone decides.
    """
    if before == after:
        yield Lot("", ZERO, ZERO, 0)
        return
    gone = len(before.lots) - len(after.lots)
    yield from before.lots[:gone]
    if after.lots and (part := before.lots[gone]) != (rest := after.lots[0]):
        base, cost_quote = part.base - rest.base, part.cost_quote - rest.cost_quote
        yield Lot(part.client_order_id, base, cost_quote, part.opened_ms)
