"""Fees: taken from what is received, or in GT, or in points; rebates for makers."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, NamedTuple

from crypto_ai_bot.domain.money import ZERO, divide_down

type FeesIn = Literal["received", "gt", "points"]


@dataclass(frozen=True, slots=True)
class FeePlan:
    """Rates of an account, and what it pays its fees in. A negative maker rate is a rebate."""

    taker: Decimal = Decimal("0.002")
    maker: Decimal = Decimal("0.002")
    gt_taker: Decimal = Decimal("0.0015")
    gt_maker: Decimal = Decimal("0.0015")
    fees_in: FeesIn = "received"

    def paid_in(self, fees_in: FeesIn) -> "FeePlan":
        """Return the plan with the fees paid in something else."""
        return replace(self, fees_in=fees_in)


class Charge(NamedTuple):
    """What one fill costs: at most one of the first three, and what is given back in quote."""

    received: Decimal = ZERO
    gt: Decimal = ZERO
    points: Decimal = ZERO
    rebate_quote: Decimal = ZERO


def charge(
    plan: FeePlan,
    *,
    maker: bool,
    received: Decimal,
    value_quote: Decimal,
    gt_price: Decimal,
    gt_available: Decimal,
    points_available: Decimal,
) -> Charge:
    """Return the charge for a fill that brings `received` and is worth `value_quote`.

    GT and points pay whole or not at all: when they do not suffice, the fee is taken from what is
    received, unrounded, at the ordinary rate. One point is worth one quote.
    """
    rate = plan.maker if maker else plan.taker
    if rate < 0:
        return Charge(rebate_quote=value_quote * -rate)
    if plan.fees_in == "gt":
        gt = divide_down(value_quote * (plan.gt_maker if maker else plan.gt_taker), gt_price)
        if gt <= gt_available:
            return Charge(gt=gt)
    if plan.fees_in == "points" and value_quote * rate <= points_available:
        return Charge(points=value_quote * rate)
    return Charge(received=received * rate)
