"""How an order trades: what it finds in the depth, and what a fill does to the account."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from crypto_ai_bot.domain.market import Depth, Level
from crypto_ai_bot.domain.matching import FinishAs, Match, match_buy, match_sell, price_bound
from crypto_ai_bot.domain.money import HUNDRED, ZERO, floor_to_step, total
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.fees import Charge, charge
from crypto_ai_bot.local.exchange.engine.orders import SpotOrder, Status, Trade, Wish
from crypto_ai_bot.local.exchange.pairs import PairRules

_STEP_2023 = Decimal("1e-10")  # how finely the engine of early 2023 filled market buys


class Outcome(NamedTuple):
    """What an order does at once: its fills, what is left, and whether that rests or ends."""

    fills: Sequence[Level]
    left: Decimal
    status: Status
    finish_as: str


def market_outcome(
    wish: Wish, rules: PairRules, depth: Depth, last: Decimal, *, engine_2023: bool
) -> Outcome:
    """Match a market order against the depth (domain.matching; gate-spot 8.5)."""
    slippage = rules.slippage if wish.slippage is None else wish.slippage
    bound = price_bound(wish.side, last, slippage * HUNDRED)
    match: Match
    if wish.side is Side.BUY:
        step = _STEP_2023 if engine_2023 else rules.amount_step
        match = match_buy(
            depth, wish.amount, amount_step_base=step, taker_fee_rate=ZERO, price_max=bound
        )
    else:
        step = rules.amount_step
        match = match_sell(
            depth, wish.amount, amount_step_base=step, taker_fee_rate=ZERO, price_min=bound
        )
    full = match.finish_as is FinishAs.FILLED and not (engine_2023 and match.left)
    status = Status.CLOSED if full else Status.CANCELLED
    return Outcome(match.fills, match.left, status, match.finish_as.value)


def crossing(
    side: Side, price: Decimal, amount_base: Decimal, depth: Depth, amount_step: Decimal
) -> list[Level]:
    """Return what a limit order takes from the depth, best levels first, up to its price."""
    fills, left = list[Level](), amount_base
    for level in depth.asks if side is Side.BUY else depth.bids:
        beyond = level.price > price if side is Side.BUY else level.price < price
        if beyond or not left:
            break
        if taken := min(left, floor_to_step(level.amount_base, amount_step)):
            fills.append(Level(level.price, taken))
            left -= taken
    return fills


def taken_base(fills: Sequence[Level]) -> Decimal:
    """Return the base of all fills."""
    return total(fill.amount_base for fill in fills)


def settle(
    account: Account,
    order: SpotOrder,
    fill: Level,
    rules: PairRules,
    *,
    trade_id: int,
    at_ms: int,
    maker: bool,
    gt_price: Decimal,
) -> None:
    """Move what one fill moves, fees included, and write it down in order and trades.

    A maker pays from what it has locked, a taker from what is available.
    """
    price, base = fill
    value, number = price * base, str(order.id)
    buy = order.wish.side is Side.BUY
    paid, received = ((rules.quote, value), (rules.base, base))[:: 1 if buy else -1]
    locked, available = (-paid[1], ZERO) if maker else (ZERO, -paid[1])
    account.move(paid[0], available, locked, at_ms, "order_fill", number)
    cost = charge(
        account.fees,
        maker=maker,
        received=received[1],
        value_quote=value,
        gt_price=gt_price,
        gt_available=account.available("GT"),
        points_available=account.available("POINT"),
    )
    account.move(received[0], received[1], ZERO, at_ms, "order_fill", number)
    for currency, change, why in (
        (received[0], -cost.received, "order_fee"),
        ("GT", -cost.gt, "order_fee"),
        ("POINT", -cost.points, "order_fee"),
        (rules.quote, cost.rebate_quote, "order_rebate"),
    ):
        if change:
            account.move(currency, change, ZERO, at_ms, why, number)
    _write_down(order, fill, cost, at_ms)
    account.trades.append(
        Trade(
            id=trade_id,
            at_ms=at_ms,
            order_id=order.id,
            pair_id=rules.id,
            side=order.wish.side,
            maker=maker,
            amount_base=base,
            price=price,
            fee=cost.received,
            fee_currency=received[0],
            gt_fee=cost.gt,
            point_fee=cost.points,
            text=order.wish.text,
        )
    )


def _write_down(order: SpotOrder, fill: Level, cost: Charge, at_ms: int) -> None:
    """What one fill adds to the order's own figures."""
    order.filled_base += fill.amount_base
    order.filled_quote += fill.price * fill.amount_base
    order.fee += cost.received
    order.gt_fee += cost.gt
    order.point_fee += cost.points
    order.rebated_quote += cost.rebate_quote
    order.updated_ms = at_ms
