"""Whatever is done to an account, in whatever order: nothing is made, lost or left locked."""

from decimal import Decimal, Inexact, localcontext
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from crypto_ai_bot.domain.market import Depth, Level
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.engine import Engine
from crypto_ai_bot.local.exchange.engine.fees import FeePlan
from crypto_ai_bot.local.exchange.engine.orders import (
    OrderType,
    Refused,
    Rule,
    SpotOrder,
    TimeInForce,
    Trigger,
    Wish,
)
from exchange_venue import D, HandVenue

T = 1_700_000_000_000
CENTS = st.integers(5_000, 8_000).map(lambda n: D(n) / 100)
AMOUNTS = st.integers(1, 6_000).map(lambda n: D(n) / 1000)
SIDES = st.sampled_from(list(Side))
SIZES = st.integers(0, 3_000).map(lambda n: D(n) / 1000)


class Trading(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.at_ms = T
        self.venue = HandVenue()
        self.engine = Engine(self.venue, Conditions())
        self.account = self.engine.open_account()
        self.deposits = {"USDT": D(500), "LTC": D(5), "GT": D("0.01"), "POINT": D("0.1")}
        for currency, amount in self.deposits.items():
            self.engine.transfer(self.account, currency, amount, T)

    def teardown(self) -> None:
        self.at_ms += 1_000  # what was triggered and is delayed can no longer be cancelled
        self.engine.advance(self.at_ms)
        self.engine.cancel_all(self.account, "", self.at_ms)
        for order in list(self.account.open_price_orders.values()):
            self.engine.cancel_price_order(self.account, order, self.at_ms)
        assert all(self.account.holding(c).locked == 0 for c in self.account.currencies())

    @rule(fees_in=st.sampled_from(["received", "gt", "points"]), maker=st.integers(-10, 20))
    def pay_fees_otherwise(self, fees_in: Any, maker: int) -> None:
        self.account.fees = FeePlan(maker=D(maker) / 10_000, fees_in=fees_in)

    @rule(reserves=st.booleans(), engine_2023=st.booleans(), delay_ms=st.sampled_from([0, 700]))
    def change_conditions(self, *, reserves: bool, engine_2023: bool, delay_ms: int) -> None:
        self.engine.conditions = Conditions(
            price_order_reserves=reserves, engine_2023=engine_2023, price_order_delay_ms=delay_ms
        )

    @rule(
        price=CENTS, sizes=st.lists(SIZES, min_size=6, max_size=6), after_ms=st.integers(1, 5_000)
    )
    def the_market_moves(self, price: Decimal, sizes: list[Decimal], after_ms: int) -> None:
        self.venue.move(self.at_ms + after_ms, str(price))
        self.at_ms += after_ms
        self.engine.advance(self.at_ms)
        step = D("0.05")
        self.venue.book["LTC_USDT"] = Depth(
            bids=tuple(Level(price - step * n, sizes[n - 1]) for n in (1, 2, 3)),
            asks=tuple(Level(price + step * n, sizes[n + 2]) for n in (1, 2, 3)),
            read_ms=self.at_ms,
        )

    @rule(side=SIDES, amount=AMOUNTS, fok=st.booleans())
    def at_market(self, *, side: Side, amount: Decimal, fok: bool) -> None:
        quote = amount * 60 if side is Side.BUY else amount
        force = TimeInForce.FOK if fok else TimeInForce.IOC
        self._place(Wish("LTC_USDT", side, OrderType.MARKET, quote, time_in_force=force))

    @rule(side=SIDES, amount=AMOUNTS, price=CENTS, force=st.sampled_from(list(TimeInForce)))
    def at_a_limit(self, side: Side, amount: Decimal, price: Decimal, force: TimeInForce) -> None:
        self._place(Wish("LTC_USDT", side, OrderType.LIMIT, amount, price, force))

    @rule(side=SIDES, amount=AMOUNTS, price=CENTS, trigger=CENTS, way=st.sampled_from(list(Rule)))
    def a_price_order(
        self, side: Side, amount: Decimal, price: Decimal, trigger: Decimal, way: Rule
    ) -> None:
        put = Wish("LTC_USDT", side, OrderType.LIMIT, amount, price)
        when = Trigger(trigger, way, 60)
        self.engine.place_price_order(self.account, put, when, self.at_ms)

    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        open_orders = list(self.account.open.values())
        if which < len(open_orders):
            assert self.engine.cancel(self.account, open_orders[which], self.at_ms) is None

    @rule(which=st.integers(0, 3), amount=AMOUNTS, price=CENTS)
    def amend(self, which: int, amount: Decimal, price: Decimal) -> None:
        open_orders = list(self.account.open.values())
        if which < len(open_orders):
            order = open_orders[which]
            self.engine.amend(self.account, order, amount, price, "", self.at_ms)

    @rule(which=st.integers(0, 3), amount=AMOUNTS)
    def someone_trades_with_us(self, which: int, amount: Decimal) -> None:
        open_orders = list(self.account.open.values())
        if which < len(open_orders):
            self.engine.fill_resting(self.account, open_orders[which], amount, self.at_ms)

    @rule(seconds=st.sampled_from([0, 5, 30]))
    def count_down(self, seconds: int) -> None:
        self.engine.count_down(self.account, "LTC_USDT", seconds, self.at_ms)

    def _place(self, wish: Wish) -> None:
        before = {c: self.account.holding(c) for c in self.deposits}
        with localcontext() as context:
            context.traps[Inexact] = True
            placed = self.engine.place(self.account, wish, self.at_ms)
        if isinstance(placed, Refused):
            assert before == {c: self.account.holding(c) for c in self.deposits}

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        expected = dict(self.deposits)
        for trade in self.account.trades:
            sign = 1 if trade.side is Side.BUY else -1
            expected["LTC"] += sign * trade.amount_base
            expected["USDT"] -= sign * trade.amount_base * trade.price
            expected[trade.fee_currency] -= trade.fee
            expected["GT"] -= trade.gt_fee
            expected["POINT"] -= trade.point_fee
        expected["USDT"] += sum(o.rebated_quote for o in self.account.orders.values())
        for currency, amount in expected.items():
            held = self.account.holding(currency)
            assert held.available + held.locked == amount
            assert held.available >= 0
            assert held.locked >= 0

    @invariant()
    def what_is_locked_is_what_open_orders_need(self) -> None:
        need = {"USDT": D(0), "LTC": D(0)}
        for order in self.account.open.values():
            buy = order.wish.side is Side.BUY
            need["USDT" if buy else "LTC"] += order.left * (order.price if buy else 1)
        for waiting in self.account.open_price_orders.values():
            if waiting.reserved:
                need[waiting.reserved[0]] += waiting.reserved[1]
        assert need == {c: self.account.holding(c).locked for c in need}

    @invariant()
    def trades_add_up_to_what_orders_say(self) -> None:
        for order in self.account.orders.values():
            mine = [t for t in self.account.trades if t.order_id == order.id]
            assert sum(t.amount_base for t in mine) == order.filled_base
            assert sum(t.amount_base * t.price for t in mine) == order.filled_quote
            assert sum(t.fee for t in mine) == order.fee
            assert self._whole(order)

    @staticmethod
    def _whole(order: SpotOrder) -> bool:
        """Filled and left make up the amount, in the unit of the amount."""
        done = order.filled_quote if order.wish.market_buy else order.filled_base
        return done + order.left == order.amount


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
