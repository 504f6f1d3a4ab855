"""What an order must satisfy before it is matched, in Gate's order (gate-spot 8.5, 4 to 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.orders import OrderType, Refused, Wish
from crypto_ai_bot.local.exchange.pairs import PairRules

QUOTE_DECIMALS_MAX = 12  # of a market buy's amount; what has more is not exact any longer
_SIDES_OF = {
    "tradable": {Side.BUY, Side.SELL},
    "buyable": {Side.BUY},
    "sellable": {Side.SELL},
    "untradable": set[Side](),
}


@dataclass(frozen=True, slots=True)
class Case:
    """An order to be judged; `available` is of the currency that it pays with."""

    wish: Wish
    rules: PairRules
    last: Decimal
    available: Decimal
    conditions: Conditions

    @property
    def price(self) -> Decimal:
        """Its own, or the last one."""
        return self.wish.price if self.wish.type is OrderType.LIMIT else self.last

    @property
    def value_quote(self) -> Decimal:
        """What it is worth."""
        return self.wish.amount if self.wish.market_buy else self.wish.amount * self.price


def need_of(wish: Wish, rules: PairRules) -> tuple[str, Decimal]:
    """Return the currency that an order pays with and the most that it can cost."""
    if wish.side is Side.SELL:
        return rules.base, wish.amount
    return rules.quote, wish.amount if wish.market_buy else wish.amount * wish.price


def refusal_of(case: Case) -> Refused | None:
    """Return the first reason against the order; None where there is none."""
    return next((refused for check in _CHECKS if (refused := check(case))), None)


def _tradable(case: Case) -> Refused | None:
    if case.wish.side in _SIDES_OF[case.rules.trade_status]:
        return None
    message = f"{case.rules.id} is {case.rules.trade_status}"
    return Refused(case.conditions.untradable_label, message)


def _precise(case: Case) -> Refused | None:
    wish, rules = case.wish, case.rules
    allowed = QUOTE_DECIMALS_MAX if wish.market_buy else rules.amount_decimals
    if wish.amount % Decimal(1).scaleb(-allowed):
        return Refused("INVALID_PRECISION", f"amount: at most {allowed} decimals")
    if wish.price % rules.price_step:
        return Refused("INVALID_PRECISION", f"price: at most {rules.price_decimals} decimals")
    return None


def _large_enough(case: Case) -> Refused | None:
    rules = case.rules
    if case.value_quote < rules.min_quote_amount:
        return _too_small(case.value_quote, rules.min_quote_amount, rules.quote)
    if not case.wish.market_buy and case.wish.amount < rules.min_base_amount:
        return _too_small(case.wish.amount, rules.min_base_amount, rules.base)
    return None


def _too_small(size: Decimal, least: Decimal, currency: str) -> Refused:
    message = f"Your order size {plain(size)} {currency} is too small."
    return Refused("INVALID_PARAM_VALUE", f"{message} The minimum is {plain(least)} {currency}")


def _small_enough(case: Case) -> Refused | None:
    wish, rules = case.wish, case.rules
    most_quote = rules.max_quote_amount
    if wish.type is OrderType.MARKET:
        if wish.side is Side.SELL and wish.amount > rules.max_market_base:
            return Refused("AMOUNT_TOO_MUCH", f"at most {plain(rules.max_market_base)} at market")
        most_quote = rules.max_market_quote
    if case.value_quote > most_quote:
        return Refused("AMOUNT_TOO_MUCH", f"at most {plain(most_quote)} {rules.quote}")
    return None


def _near_enough(case: Case) -> Refused | None:
    """Refuse a limit price that goes further than the band into the market."""
    wish, rules = case.wish, case.rules
    if wish.type is OrderType.MARKET:
        return None
    too_high = wish.side is Side.BUY and wish.price > case.last * (1 + rules.up_rate)
    too_low = wish.side is Side.SELL and wish.price < case.last * (1 - rules.down_rate)
    if too_high or too_low:
        return Refused("PRICE_THRESHOLD_EXCEEDED", f"last price {plain(case.last)}")
    return None


def _affordable(case: Case) -> Refused | None:
    if case.available < need_of(case.wish, case.rules)[1]:
        return Refused("BALANCE_NOT_ENOUGH", "Not enough balance")
    return None


_CHECKS: tuple[Callable[[Case], Refused | None], ...] = (
    _tradable,
    _precise,
    _large_enough,
    _small_enough,
    _near_enough,
    _affordable,
)
