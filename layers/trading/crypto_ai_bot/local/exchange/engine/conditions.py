"""Switches: where Gate's behaviour is not established, or is wanted otherwise for a test."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

type TextLookup = Literal["open_only", "window", "always"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the engine does where reference gate-spot 10 leaves both answers open.

    The defaults are today's documentation, or where that is silent the reference's assumption.
    """

    # How long an order can be found by its text: while open, for an hour after its end, always.
    text_lookup: TextLookup = "open_only"
    text_unique: bool = False  # refuse a text that was used before, as DUPLICATE_REQUEST
    engine_2023: bool = False  # market buys fill finer than the step and end as cancelled
    # Listings and balances tell what stood this long ago.
    order_list_lag_ms: int = 0
    trade_lag_ms: int = 0
    balance_lag_ms: int = 0
    zero_fill_vanish_ms: int | None = None  # finished orders without a fill leave the listing
    untradable_label: str = "INVALID_CURRENCY_PAIR"
    price_order_market: bool = False  # accept put.type market
    price_order_reserves: bool = False  # lock the funds of a price order at once
    price_order_delay_ms: int = 0  # between firing and the order
    price_order_text: str = "apiv4"  # of the order that a price order makes
    countdown_cancels_price_orders: bool = False
    gt_price_quote: Decimal = Decimal(10)  # of one GT, where the market does not list it
