"""The life of an order: placed, matched, resting, amended, filled, cancelled."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Final

from crypto_ai_bot.domain.market import Level
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.checks import Case, need_of, refusal_of
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.filling import (
    Outcome,
    crossing,
    market_outcome,
    settle,
    taken_base,
)
from crypto_ai_bot.local.exchange.engine.orders import (
    OrderType,
    Refused,
    SpotOrder,
    Status,
    TimeInForce,
    Wish,
)
from crypto_ai_bot.local.exchange.engine.venue import Venue
from crypto_ai_bot.local.exchange.pairs import PairRules

_FIRST_ORDER_ID: Final = 394_120_049_349


class OrderDesk:
    """Does what is asked of orders at a moment; what is due before it is the engine's to see to."""

    def __init__(self, venue: Venue, conditions: Callable[[], Conditions]) -> None:
        self._venue = venue
        self._conditions = conditions
        self._order_ids = count(_FIRST_ORDER_ID)
        self._trade_ids = count(1)

    def rules(self, pair_id: str) -> PairRules:
        """Return the rules of a pair that is known to be listed."""
        if (rules := self._venue.rules(pair_id)) is None:
            raise ValueError(f"not listed: {pair_id}")
        return rules

    def place(self, account: Account, wish: Wish, at_ms: int) -> SpotOrder | Refused:
        """Check and match an order; what is left of it rests or is cancelled."""
        rules = self._venue.rules(wish.pair_id)
        if rules is None:
            return Refused("INVALID_CURRENCY_PAIR", f"Invalid currency pair {wish.pair_id}")
        if self._conditions().text_unique and wish.text in account.texts:
            return Refused("DUPLICATE_REQUEST", f"text {wish.text} was used before")
        available = account.available(need_of(wish, rules)[0])
        if (refused := self._refusal(wish, rules, available, at_ms)) is not None:
            return refused
        outcome = self._outcome(wish, rules, at_ms)
        if (refused := _unwanted(wish, outcome)) is not None:
            return refused
        order = SpotOrder(
            id=next(self._order_ids),
            wish=wish,
            amount=wish.amount,
            price=wish.price,
            left=wish.amount,
            fee_currency=rules.base if wish.side is Side.BUY else rules.quote,
            created_ms=at_ms,
            updated_ms=at_ms,
            reduced_fee=account.fees.fees_in == "gt",
        )
        account.orders[order.id] = order
        if wish.text.startswith("t-"):
            account.texts[wish.text] = order
        self._carry_out(account, order, outcome, rules, at_ms)
        return order

    def amend(
        self,
        account: Account,
        order: SpotOrder,
        amount: Decimal | None,
        price: Decimal | None,
        amend_text: str,
        at_ms: int,
    ) -> Refused | None:
        """Change what an open limit order asks for; it may trade at once. None when done."""
        if not order.is_open:
            return Refused("ORDER_CLOSED", f"Order {order.status.value}")
        rules = self.rules(order.wish.pair_id)
        rest = (order.amount if amount is None else amount) - order.filled_base
        if rest <= 0:
            return Refused("INVALID_PARAM_VALUE", "Invalid parameter `amount`: filled already")
        wish = replace(order.wish, amount=rest, price=order.price if price is None else price)
        currency, kept = need_of(_rest_of(order), rules)
        freed = account.available(currency) + kept
        if (refused := self._refusal(wish, rules, freed, at_ms)) is not None:
            return refused
        outcome = self._outcome(wish, rules, at_ms)
        if (refused := _unwanted(wish, outcome)) is not None:
            return refused
        account.move(currency, kept, -kept, at_ms, "order_amend", str(order.id))
        order.amount, order.price = order.filled_base + rest, wish.price
        order.amend_text, order.updated_ms = amend_text, at_ms
        self._carry_out(account, order, outcome, rules, at_ms)
        return None

    def cancel(self, account: Account, order: SpotOrder, at_ms: int) -> None:
        """Cancel an order that is open and give back what it kept."""
        currency, kept = need_of(_rest_of(order), self.rules(order.wish.pair_id))
        account.move(currency, kept, -kept, at_ms, "order_cancel", str(order.id))
        order.status, order.finish_as = Status.CANCELLED, "cancelled"
        order.updated_ms = at_ms
        account.finish(order)

    def fill(self, account: Account, order: SpotOrder, amount_base: Decimal, at_ms: int) -> None:
        """Trade a part of a resting order, as maker and at its price."""
        fill = Level(order.price, amount_base)
        self._settle(account, order, fill, self.rules(order.wish.pair_id), at_ms, maker=True)
        order.left -= amount_base
        if not order.left:
            order.status, order.finish_as = Status.CLOSED, "filled"
            account.finish(order)

    def _refusal(
        self, wish: Wish, rules: PairRules, available: Decimal, at_ms: int
    ) -> Refused | None:
        last = self._venue.last(wish.pair_id, at_ms)
        return refusal_of(Case(wish, rules, last, available, self._conditions()))

    def _outcome(self, wish: Wish, rules: PairRules, at_ms: int) -> Outcome:
        depth = self._venue.depth(wish.pair_id, at_ms)
        if wish.type is OrderType.MARKET:
            last, engine_2023 = (
                self._venue.last(wish.pair_id, at_ms),
                self._conditions().engine_2023,
            )
            return market_outcome(wish, rules, depth, last, engine_2023=engine_2023)
        fills = crossing(wish.side, wish.price, wish.amount, depth, rules.amount_step)
        left = wish.amount - taken_base(fills)
        if not left:
            return Outcome(fills, left, Status.CLOSED, "filled")
        if wish.time_in_force in {TimeInForce.GTC, TimeInForce.POC}:
            return Outcome(fills, left, Status.OPEN, "open")
        return Outcome(fills, left, Status.CANCELLED, wish.time_in_force.value)

    def _carry_out(
        self, account: Account, order: SpotOrder, outcome: Outcome, rules: PairRules, at_ms: int
    ) -> None:
        """Settle the fills, then rest or end the order."""
        for fill in outcome.fills:
            self._settle(account, order, fill, rules, at_ms, maker=False)
        order.left, order.status, order.finish_as = outcome[1:]
        if order.is_open:
            currency, need = need_of(_rest_of(order), rules)
            account.move(currency, -need, need, at_ms, "order_create", str(order.id))
            account.open[order.id] = order
        else:
            account.finish(order)

    def _settle(
        self,
        account: Account,
        order: SpotOrder,
        fill: Level,
        rules: PairRules,
        at_ms: int,
        *,
        maker: bool,
    ) -> None:
        gt_listed = self._venue.rules("GT_USDT") is not None
        settle(
            account,
            order,
            fill,
            rules,
            trade_id=next(self._trade_ids),
            at_ms=at_ms,
            maker=maker,
            gt_price=self._venue.last("GT_USDT", at_ms)
            if gt_listed
            else self._conditions().gt_price_quote,
        )


def _rest_of(order: SpotOrder) -> Wish:
    """Return the part of an order that has not traded, as a wish of its own."""
    return replace(order.wish, amount=order.left, price=order.price)


def _unwanted(wish: Wish, outcome: Outcome) -> Refused | None:
    """Refuse what its time in force does not allow; nothing has been settled yet."""
    if wish.time_in_force is TimeInForce.FOK and outcome.status is not Status.CLOSED:
        return Refused("FOK_NOT_FILL", "Order cannot be filled completely")
    if wish.time_in_force is TimeInForce.POC and outcome.fills:
        return Refused("POC_FILL_IMMEDIATELY", "Order would match and take immediately")
    return None
