"""Numbers as Gate writes them: plain decimal strings, no exponent, no trailing zeros."""

from decimal import Decimal


def text_of(units: int, decimals: int) -> str:
    """Write `units` of ten to the minus `decimals`: 6400010, 2 → "64000.1"."""
    sign, digits = ("-", -units) if units < 0 else ("", units)
    whole, fraction = divmod(digits, 10**decimals)
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}." + f"{fraction:0{decimals}d}".rstrip("0")


def decimal_of(units: int, decimals: int) -> Decimal:
    """Return `units` of ten to the minus `decimals` as an exact Decimal."""
    return Decimal(units).scaleb(-decimals)


def plain(value: Decimal) -> str:
    """Write a Decimal without an exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
