"""How a market order fills against the depth, in Gate's words (reference gate-spot 8.5).

The paper broker, the embedded exchange and the simulation fill orders with these same lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from crypto_ai_bot.domain.market import Depth, Level
from crypto_ai_bot.domain.money import HUNDRED, ONE, ceil_to_step, divide_down, floor_to_step, total
from crypto_ai_bot.domain.order import Side, Totals


class FinishAs(StrEnum):
    """Why a market order ended. Only FILLED leaves it `closed`; the others leave it `cancelled`."""

    FILLED = "filled"  # what is left buys or sells less than one step
    IOC = "ioc"  # filled in part, the rest found nothing
    DEPTH_NOT_ENOUGH = "depth_not_enough"  # found nothing at all
    PRICE_PROTECT_CANCELLED = "price_protect_cancelled"  # the next level was beyond the bound


@dataclass(frozen=True, slots=True)
class Match:
    """What an order traded: its fills level by level, their totals, and what is left of it.

    `left` has the unit of the order's amount: quote for a buy, base for a sell. Fees are unrounded,
    in base for a buy and in quote for a sell.
    """

    fills: tuple[Level, ...]
    totals: Totals
    left: Decimal
    finish_as: FinishAs


def price_bound(side: Side, reference_price: Decimal, slippage_pct: Decimal) -> Decimal:
    """The worst price that an order may trade at, in quote.

    `slippage_pct` per cent above the reference for a buy, below it for a sell.
    """
    sign = 1 if side is Side.BUY else -1
    return reference_price * (ONE + sign * slippage_pct / HUNDRED)


def worsened(depth: Depth, slippage_pct: Decimal, price_step_quote: Decimal) -> Depth:
    """The depth with every price moved against the taker, rounded to the step against him too.

    Bids below one step are gone: nobody pays nothing.
    """
    up, down = ONE + slippage_pct / HUNDRED, ONE - slippage_pct / HUNDRED
    asks = (Level(ceil_to_step(price * up, price_step_quote), size) for price, size in depth.asks)
    bids = (
        Level(floor_to_step(price * down, price_step_quote), size) for price, size in depth.bids
    )
    return Depth(tuple(bid for bid in bids if bid.price > 0), tuple(asks), depth.read_ms)


def match_buy(
    depth: Depth,
    amount_quote: Decimal,
    *,
    amount_step_base: Decimal,
    taker_fee_rate: Decimal,
    price_max: Decimal | None = None,
) -> Match:
    """Spends up to `amount_quote` on the asks, best first, never above `price_max`.

    Each level gives a whole number of steps. The order is filled when what is left buys less than
    one step at the price of the last fill, even though something is left.
    """
    left, fills, barred = amount_quote, list[Level](), False
    for price, size in depth.asks:
        affordable = _steps_for(left, price, amount_step_base)
        if not affordable:
            break
        if price_max is not None and price > price_max:
            barred = True
            break
        taken = min(floor_to_step(size, amount_step_base), affordable)
        if taken:
            fills.append(Level(price, taken))
            left -= price * taken
    full = bool(fills) and not _steps_for(left, fills[-1].price, amount_step_base)
    base, quote = _sums(fills)
    totals = Totals(base, quote, fee_base=base * taker_fee_rate)
    return Match(tuple(fills), totals, left, _finish(fills, full=full, barred=barred))


def match_sell(
    depth: Depth,
    amount_base: Decimal,
    *,
    amount_step_base: Decimal,
    taker_fee_rate: Decimal,
    price_min: Decimal | None = None,
) -> Match:
    """Sells up to `amount_base` to the bids, best first, never below `price_min`.

    Each level takes a whole number of steps; an amount that is not one leaves its rest unsold.
    """
    left, fills, barred = amount_base, list[Level](), False
    for price, size in depth.bids:
        offered = floor_to_step(left, amount_step_base)
        if not offered:
            break
        if price_min is not None and price < price_min:
            barred = True
            break
        taken = min(floor_to_step(size, amount_step_base), offered)
        if taken:
            fills.append(Level(price, taken))
            left -= taken
    full = bool(fills) and floor_to_step(left, amount_step_base) == 0
    base, quote = _sums(fills)
    totals = Totals(base, quote, fee_quote=quote * taker_fee_rate)
    return Match(tuple(fills), totals, left, _finish(fills, full=full, barred=barred))


def _steps_for(quote: Decimal, price: Decimal, amount_step_base: Decimal) -> Decimal:
    """The most base in whole steps that `quote` pays for; steps are not finer than 1e-12."""
    return floor_to_step(divide_down(quote, price), amount_step_base)


def _sums(fills: Sequence[Level]) -> tuple[Decimal, Decimal]:
    """Base and quote of all fills."""
    base = total(amount for _, amount in fills)
    return base, total(price * amount for price, amount in fills)


def _finish(fills: Sequence[Level], *, full: bool, barred: bool) -> FinishAs:
    if full:
        return FinishAs.FILLED
    if barred:
        return FinishAs.PRICE_PROTECT_CANCELLED
    return FinishAs.IOC if fills else FinishAs.DEPTH_NOT_ENOUGH
