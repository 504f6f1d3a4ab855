"""What fills add up to: lots first in, first out, with the fees in them."""

from dataclasses import dataclass, replace
from decimal import Decimal

from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.money import ZERO, divide_down, share_down, total
from crypto_ai_bot.domain.order import Fill, Side


@dataclass(frozen=True, slots=True)
class Lot:
    """What one buying order left: `base` after its fee, and what it cost, fee included."""

    client_order_id: str
    base: Decimal
    cost_quote: Decimal
    opened_ms: int


@dataclass(frozen=True, slots=True)
class Position:
    """The base held of one symbol, as lots in the order in which they were bought."""

    lots: tuple[Lot, ...] = ()

    @property
    def base(self) -> Decimal:
        """All base held, dust included."""
        return total(lot.base for lot in self.lots)

    @property
    def cost_quote(self) -> Decimal:
        """What the base held has cost, fees included."""
        return total(lot.cost_quote for lot in self.lots)

    @property
    def average_price(self) -> Decimal:
        """Cost per base held; 0 when nothing is held."""
        return divide_down(self.cost_quote, self.base) if self.base else ZERO


FLAT = Position()


def apply_fill(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    """The position after `fill`, and the profit or loss in quote that it realised.

    A fee in base reduces what a buy brings and adds to what a sell takes; a fee in quote adds to
    the cost of a buy and reduces what a sell brings. Raises InvariantBroken when a sell takes more
    than is held (invariant I6).
    """
    if fill.side is Side.BUY:
        return _bought(position, fill), ZERO
    return _sold(position, fill)


def _bought(position: Position, fill: Fill) -> Position:
    """Fills of one order are one lot: a fee that is reported later belongs to what it is for."""
    traded, lots, opened_ms = fill.traded, position.lots, fill.at_ms
    base, cost_quote = traded.base - traded.fee_base, traded.quote + traded.fee_quote
    if lots and lots[-1].client_order_id == fill.client_order_id:
        begun, lots = lots[-1], lots[:-1]
        base, cost_quote = begun.base + base, begun.cost_quote + cost_quote
        opened_ms = begun.opened_ms
    if base <= ZERO:
        raise InvariantBroken(f"fill {fill.fill_id} leaves {base} of what it bought")
    return Position((*lots, Lot(fill.client_order_id, base, cost_quote, opened_ms)))


def _sold(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    taken = fill.traded.base + fill.traded.fee_base
    if taken > position.base:
        raise InvariantBroken(
            f"fill {fill.fill_id} sells {taken} of {position.base} {fill.symbol.base} held"
        )
    left: list[Lot] = []
    cost_quote = ZERO
    for lot in position.lots:
        part = min(taken, lot.base)
        # The part's cost is cut down and the rest stays with the lot, so no cost is lost or made.
        part_cost = share_down(lot.cost_quote, part, lot.base)
        taken -= part
        cost_quote += part_cost
        if part < lot.base:
            rest = replace(lot, base=lot.base - part, cost_quote=lot.cost_quote - part_cost)
            left.append(rest)
    proceeds = fill.traded.quote - fill.traded.fee_quote
    return Position(tuple(left)), proceeds - cost_quote
