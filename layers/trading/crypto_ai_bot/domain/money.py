"""Decimal money: parsing that refuses what is not a number, rounding that names its direction."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from typing import Final

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
HUNDRED: Final = Decimal(100)

# Multiplying two exchange amounts (at most 19 significant digits each) stays exact in 38, which is
# also the precision of a DynamoDB number.
_CONTEXT: Final = Context(prec=38, rounding=ROUND_DOWN)
_CUT: Final = Decimal("1e-12")


def to_decimal(value: str | int | Decimal) -> Decimal:
    """The finite number that `value` spells.

    Floats are refused by type: their digits are not those that the exchange sent.
    Raises ValueError for anything else, NaN and infinities included.
    """
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def floor_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """The greatest multiple of `step` that is not above `amount` (towards minus infinity)."""
    remainder = amount % step  # exact, and signed like the amount
    return amount - remainder - (step if remainder < 0 else ZERO)


def ceil_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """The least multiple of `step` that is not below `amount` (towards plus infinity)."""
    return -floor_to_step(-amount, step)


def divide_down(dividend: Decimal, divisor: Decimal) -> Decimal:
    """`dividend / divisor`, cut towards zero after twelve decimals.

    Twelve, so that sums of such quotients stay exact in the 28 digits of Decimal arithmetic.
    """
    return _CONTEXT.divide(dividend, divisor).quantize(_CUT, ROUND_DOWN, _CONTEXT)


def share_down(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """`whole * part / of`, cut towards zero after twelve decimals."""
    return divide_down(_CONTEXT.multiply(whole, part), of)


def plain(number: Decimal) -> str:
    """Digits without an exponent and without trailing zeros: what exchanges and items carry."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum; zero for nothing."""
    return sum(amounts, ZERO)
