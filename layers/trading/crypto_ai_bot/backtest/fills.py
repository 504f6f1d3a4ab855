"""What an order costs and brings: exact with an exchange's rules, plain floats without any.

Both kinds answer the same questions, so the engine does not know which it has. Prices come in as
floats, as candles have them; amounts are Decimal in one kind and float in the other.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.records import Amount
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.money import (
    HUNDRED,
    ONE,
    ZERO,
    ceil_to_step,
    divide_down,
    floor_to_step,
    share_down,
)
from crypto_ai_bot.risk.sizing import entry_amount, exit_amount

# What an order came to: the price with slippage in it, the base it moved, the quote it moved (both
# after the fee), and what the fee was worth in quote.
type Filled = tuple[Amount, Amount, Amount, Amount]


class Fills(Protocol):
    """How the orders of one market are priced, cut and filled. The exchange is never short."""

    @property
    def rules(self) -> MarketRules:
        """The market's rules, their amounts of the kind that the account is kept in."""
        ...

    def amount(self, value: Decimal | float) -> Amount:
        """A setting or a price, of the kind that the account is kept in."""
        ...

    def entry_amount(self, amount_quote: Amount) -> Amount:
        """The quote that a buy may carry."""
        ...

    def buy(self, amount_quote: Amount, ask: Amount) -> Filled:
        """Spends up to `amount_quote` at market."""
        ...

    def sell(self, wanted_base: Amount, held_base: Amount, bid: float) -> Filled | None:
        """Sells what is wanted of what is held at market; None when that is dust."""
        ...

    def sellable(self, held_base: Amount, price: Amount) -> Amount:
        """The most of what is held that one order may carry; 0 when that is dust."""
        ...

    def break_even(self, cost_quote: Amount, base: Amount) -> float:
        """The price at which selling `base` returns what it cost, fees of both sides included."""
        ...

    def share(self, whole: Amount, part: Amount, of: Amount) -> Amount:
        """`whole * part / of`."""
        ...


def fills_of(market: Market, terms: Terms) -> Fills:
    """The kind that the market's rules ask for."""
    return (ExactFills if market.rules.amount_step_base else PlainFills)(market.rules, terms)


class ExactFills:
    """In Decimal, digit for digit what the paper exchange makes of the same orders."""

    def __init__(self, rules: MarketRules, terms: Terms) -> None:
        self.rules = rules
        self._slippage = terms.slippage_pct / HUNDRED
        self._base_fee, self._fee_on_top = rules.taker_fee_rate, ZERO
        if terms.fee_on_top:
            self._base_fee, self._fee_on_top = ZERO, rules.taker_fee_rate

    def amount(self, value: Decimal | float) -> Decimal:
        """The digits of a float are those that print it: those that the candle file has."""
        return value if isinstance(value, Decimal) else Decimal(repr(value))

    def entry_amount(self, amount_quote: Decimal) -> Decimal:
        """As live sizes it."""
        return entry_amount(amount_quote, self.rules)

    def buy(self, amount_quote: Decimal, ask: Decimal) -> Filled:
        """Whole steps, at a price rounded up to its step."""
        rules = self.rules
        price = ceil_to_step(ask * (ONE + self._slippage), rules.price_step_quote)
        affordable = divide_down(amount_quote, price * (ONE + self._fee_on_top))
        base = floor_to_step(affordable, rules.amount_step_base)
        fee_base, fee_quote = base * self._base_fee, base * price * self._fee_on_top
        return price, base - fee_base, base * price + fee_quote, fee_base * price + fee_quote

    def sell(self, wanted_base: Decimal, held_base: Decimal, bid: float) -> Filled | None:
        """As live sizes it, at a price rounded down to its step."""
        rules, offered = self.rules, self.amount(bid)
        base = exit_amount(wanted_base, held_base, offered, rules)
        if not base:
            return None
        price = floor_to_step(offered * (ONE - self._slippage), rules.price_step_quote)
        value = base * price
        fee = value * rules.taker_fee_rate
        return price, base, value - fee, fee

    def sellable(self, held_base: Decimal, price: Decimal) -> Decimal:
        """As the market's rules have it."""
        return self.rules.sellable_base(held_base, price)

    def break_even(self, cost_quote: Decimal, base: Decimal) -> float:
        """As the ledger works it out."""
        return float(cost_quote / base / (ONE - self.rules.taker_fee_rate))

    def share(self, whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
        """Cut down as the ledger cuts it."""
        return share_down(whole, part, of)


class PlainFills:
    """In floats, nothing cut: a market without steps has no digits to keep."""

    def __init__(self, rules: MarketRules, terms: Terms) -> None:
        amounts: dict[str, Any] = {
            name: float(getattr(rules, name))
            for name in ("amount_base_min", "amount_quote_min", "taker_fee_rate")
        }
        self.rules = replace(rules, **amounts)
        fee_rate, slippage = float(rules.taker_fee_rate), float(terms.slippage_pct) / 100
        self._up, self._down = 1 + slippage, 1 - slippage
        self._fee_rate, self._fee_on_top = fee_rate, terms.fee_on_top
        self._base_min, self._quote_min = (
            float(rules.amount_base_min),
            float(rules.amount_quote_min),
        )

    def amount(self, value: Decimal | float) -> float:
        """As a float."""
        return float(value)

    def entry_amount(self, amount_quote: float) -> float:
        """All of it."""
        return amount_quote

    def buy(self, amount_quote: float, ask: float) -> Filled:
        """All of the amount."""
        price = ask * self._up
        if self._fee_on_top:
            base = amount_quote / (price * (1 + self._fee_rate))
            return price, base, amount_quote, base * price * self._fee_rate
        base = amount_quote / price
        fee_base = base * self._fee_rate
        return price, base - fee_base, amount_quote, fee_base * price

    def sell(self, wanted_base: float, held_base: float, bid: float) -> Filled | None:
        """All of it at the bid less slippage, unless it is below the minimums."""
        base = min(held_base, wanted_base)
        if base < self._base_min or base * bid < self._quote_min:
            return None
        price = bid * self._down
        value = base * price
        fee = value * self._fee_rate
        return price, base, value - fee, fee

    def sellable(self, held_base: float, price: float) -> float:
        """All, unless it is below the minimums."""
        small = held_base < self._base_min or held_base * price < self._quote_min
        return 0.0 if small else held_base

    def break_even(self, cost_quote: float, base: float) -> float:
        """Cost by base, and the fee of the sell."""
        return cost_quote / base / (1 - self._fee_rate)

    def share(self, whole: float, part: float, of: float) -> float:
        """As it is."""
        return whole * part / of
