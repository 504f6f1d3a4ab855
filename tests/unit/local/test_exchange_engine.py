"""The engine without HTTP: matching, fees, resting orders, price orders, countdowns."""

from dataclasses import replace
from typing import Any

import pytest

from crypto_ai_bot.domain.market import Depth
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.engine import Engine
from crypto_ai_bot.local.exchange.engine.fees import FeePlan, FeesIn
from crypto_ai_bot.local.exchange.engine.orders import (
    OrderType,
    PriceOrder,
    PriceOrderStatus,
    Refused,
    Rule,
    SpotOrder,
    Status,
    TimeInForce,
    Trigger,
    Wish,
)
from exchange_venue import LTC, D, HandVenue, levels

T = 1_700_000_000_000


class Floor:
    """An engine, its market, and one account with 1000 USDT and 10 LTC."""

    def __init__(self, fees: FeePlan | None = None, **conditions: Any) -> None:
        self.venue = HandVenue()
        self.engine = Engine(self.venue, Conditions(**conditions))
        self.account = self.engine.open_account(fees)
        for currency, amount in (("USDT", "1000"), ("LTC", "10")):
            self.engine.transfer(self.account, currency, D(amount), T)

    def place(self, side: str, amount: str, price: str = "", **more: Any) -> Any:
        placed = self.attempt(side, amount, price, **more)
        assert isinstance(placed, SpotOrder), placed
        return placed

    def refused(self, side: str, amount: str, price: str = "", **more: Any) -> str:
        held = self.held("USDT"), self.held("LTC")
        placed = self.attempt(side, amount, price, **more)
        assert isinstance(placed, Refused)
        assert held == (self.held("USDT"), self.held("LTC"))
        return placed.label

    def attempt(
        self, side: str, amount: str, price: str = "", at: int = T, in_force: str = "", **more: Any
    ) -> SpotOrder | Refused:
        kind = OrderType.LIMIT if price else OrderType.MARKET
        force = TimeInForce(in_force or ("gtc" if price else "ioc"))
        wish = Wish("LTC_USDT", Side(side), kind, D(amount), D(price or 0), force, **more)
        return self.engine.place(self.account, wish, at)

    def stop(self, amount: str, price: str, trigger: str, at: int = T, **more: Any) -> PriceOrder:
        put = Wish("LTC_USDT", Side.SELL, OrderType.LIMIT, D(amount), D(price))
        when = Trigger(D(trigger), Rule(more.get("rule", "<=")), more.get("expiration", 3600))
        placed = self.engine.place_price_order(self.account, put, when, at)
        assert isinstance(placed, PriceOrder), placed
        return placed

    def held(self, currency: str) -> Any:
        holding = self.account.holding(currency)
        return holding.available, holding.locked


def test_the_real_order_of_2023_comes_out_to_the_last_digit() -> None:
    floor = Floor()
    floor.venue.book["LTC_USDT"] = Depth(levels(("64.01", "5")), levels(("64.03", "1.151")), T)
    order = floor.place("buy", "5")
    assert (order.filled_base, order.filled_quote) == (D("0.078"), D("4.99434"))
    assert (order.left, order.fee, order.fee_currency) == (D("0.00566"), D("0.000156"), "LTC")
    assert (order.status, order.finish_as) == (Status.CLOSED, "filled")
    assert floor.held("USDT") == (D("995.00566"), 0)
    assert floor.held("LTC") == (D("10.077844"), 0)


def test_the_engine_of_2023_fills_finer_and_ends_as_cancelled() -> None:
    floor = Floor(engine_2023=True)
    floor.venue.move(1, "91.99")
    floor.venue.book["LTC_USDT"] = Depth((), levels(("91.99", "5")), T)
    order = floor.place("buy", "5")
    assert (order.filled_quote, order.left) == (D("4.999999999859"), D("0.000000000141"))
    assert (order.fee, order.status) == (D("0.0001087074682"), Status.CANCELLED)


def test_a_market_order_ends_for_each_of_gates_reasons() -> None:
    floor = Floor()
    thin = Depth(levels(("64.01", "0.1")), levels(("64.03", "0.1")), T)
    floor.venue.book["LTC_USDT"] = thin
    order = floor.place("buy", "50")
    assert (order.status, order.finish_as, order.left) == (Status.CANCELLED, "ioc", D("43.597"))
    order = floor.place("sell", "1")
    assert (order.finish_as, order.left, order.filled_quote) == ("ioc", D("0.9"), D("6.401"))
    floor.venue.book["LTC_USDT"] = Depth((), (), T)
    assert floor.place("buy", "50").finish_as == "depth_not_enough"
    far = Depth((), levels(("64.03", "0.1"), ("70", "100")), T)
    floor.venue.book["LTC_USDT"] = far
    assert floor.place("buy", "50").finish_as == "price_protect_cancelled"
    order = floor.place("buy", "50", slippage=D("0.2"))
    assert (order.finish_as, order.filled_base) == ("filled", D("0.1") + D("0.622"))


def test_all_or_nothing_and_maker_only_change_nothing_when_they_cannot_be_had() -> None:
    floor = Floor()
    assert floor.refused("buy", "5", "64.00", in_force="fok") == "FOK_NOT_FILL"
    assert floor.refused("sell", "9", "63", in_force="poc") == "POC_FILL_IMMEDIATELY"
    thin = Depth(levels(("64.01", "0.1")), levels(("64.03", "0.1")), T)
    floor.venue.book["LTC_USDT"] = thin
    assert floor.refused("buy", "50", in_force="fok") == "FOK_NOT_FILL"
    assert floor.place("sell", "0.1", "64", in_force="fok").finish_as == "filled"
    assert floor.place("buy", "1", "64", in_force="poc").status is Status.OPEN
    assert floor.place("buy", "1", "64", in_force="ioc").finish_as == "ioc"


@pytest.mark.parametrize(
    ("side", "amount", "price", "label"),
    [
        ("sell", "0.0775", "", "INVALID_PRECISION"),
        ("buy", "0.1", "64.001", "INVALID_PRECISION"),
        ("buy", "5.0000000000001", "", "INVALID_PRECISION"),
        ("buy", "2.99", "", "INVALID_PARAM_VALUE"),
        ("sell", "0.04", "", "INVALID_PARAM_VALUE"),
        ("buy", "4000000", "", "AMOUNT_TOO_MUCH"),
        ("sell", "40001", "", "AMOUNT_TOO_MUCH"),
        ("buy", "1", "70", "PRICE_THRESHOLD_EXCEEDED"),
        ("sell", "1", "58", "PRICE_THRESHOLD_EXCEEDED"),
        ("buy", "1000.01", "", "BALANCE_NOT_ENOUGH"),
        ("sell", "10.001", "", "BALANCE_NOT_ENOUGH"),
        ("buy", "20", "50.01", "BALANCE_NOT_ENOUGH"),
    ],
)
def test_what_an_order_must_satisfy(side: str, amount: str, price: str, label: str) -> None:
    assert Floor().refused(side, amount, price) == label


@pytest.mark.parametrize(
    ("status", "side", "amount", "price", "label"),
    [
        ("untradable", "buy", "0.0001", "64.001", "INVALID_CURRENCY_PAIR"),
        ("tradable", "buy", "0.0001", "64.001", "INVALID_PRECISION"),
        ("tradable", "sell", "0.001", "1", "INVALID_PARAM_VALUE"),
        ("tradable", "sell", "100000", "57", "AMOUNT_TOO_MUCH"),
        ("tradable", "sell", "20", "57", "PRICE_THRESHOLD_EXCEEDED"),
        ("tradable", "sell", "20", "64", "BALANCE_NOT_ENOUGH"),
    ],
)
def test_of_several_reasons_against_an_order_gates_first_is_told(
    status: Any, side: str, amount: str, price: str, label: str
) -> None:
    floor = Floor()
    floor.venue.listed["LTC_USDT"] = replace(LTC, trade_status=status)
    assert floor.refused(side, amount, price) == label


@pytest.mark.parametrize(
    ("status", "buys", "sells"),
    [
        ("tradable", True, True),
        ("buyable", True, False),
        ("sellable", False, True),
        ("untradable", False, False),
    ],
)
def test_a_pair_may_be_closed_for_buying_or_selling(
    *, status: Any, buys: bool, sells: bool
) -> None:
    floor = Floor()
    floor.venue.listed["LTC_USDT"] = replace(LTC, trade_status=status)
    assert isinstance(floor.attempt("buy", "5"), SpotOrder) is buys
    assert isinstance(floor.attempt("sell", "1"), SpotOrder) is sells


def test_a_limit_order_takes_what_crosses_and_locks_the_rest() -> None:
    floor = Floor()
    book = Depth(levels(("63.9", "1")), levels(("64", "0.5"), ("64.1", "0.5"), ("65", "9")), T)
    floor.venue.book["LTC_USDT"] = book
    order = floor.place("buy", "2", "64.1")
    assert (order.filled_base, order.filled_quote, order.left) == (1, D("64.05"), 1)
    assert floor.held("USDT") == (D("1000") - D("64.05") - D("64.1"), D("64.1"))
    assert [t.maker for t in floor.account.trades] == [False, False]
    assert floor.engine.cancel(floor.account, order, T) is None
    assert (order.status, order.finish_as) == (Status.CANCELLED, "cancelled")
    assert floor.held("USDT") == (D("935.95"), 0)
    again = floor.engine.cancel(floor.account, order, T)
    assert again is not None
    assert again.label == "ORDER_CANCELLED"


def test_a_resting_order_trades_when_the_price_goes_through_its_own() -> None:
    floor = Floor()
    order = floor.place("buy", "1", "63")
    floor.venue.move(T + 1_000, "63.00")
    floor.engine.advance(T + 2_000)
    assert order.is_open, "others stand at the price before us"
    floor.venue.move(T + 3_000, "62.99")
    floor.engine.advance(T + 9_000)
    assert (order.status, order.filled_quote, order.updated_ms) == (Status.CLOSED, 63, T + 3_000)
    assert floor.held("USDT") == (937, 0)
    assert floor.held("LTC") == (D("10.998"), 0)
    assert floor.account.trades[0].maker


def test_someone_may_trade_a_part_of_a_resting_order() -> None:
    floor = Floor()
    order = floor.place("sell", "1", "65")
    assert floor.engine.fill_resting(floor.account, order, D("0.4"), T)
    assert (order.status, order.left, floor.held("LTC")) == (Status.OPEN, D("0.6"), (9, D("0.6")))
    assert not floor.engine.fill_resting(floor.account, order, D("0.7"), T)
    assert floor.engine.fill_resting(floor.account, order, D("0.6"), T)
    assert (order.finish_as, floor.held("LTC")) == ("filled", (9, 0))


def test_an_order_is_amended_upwards_downwards_and_into_the_market() -> None:
    floor = Floor()
    order = floor.place("buy", "2", "60")
    amend = floor.engine.amend
    assert amend(floor.account, order, D(3), None, "more", T) is None
    assert (floor.held("USDT"), order.amend_text) == ((820, 180), "more")
    assert amend(floor.account, order, D(16), None, "", T) is None
    assert floor.held("USDT") == (40, 960), "what it has locked counts towards what it needs"
    assert amend(floor.account, order, D(3), None, "more", T) is None
    refused = amend(floor.account, order, D(17), None, "", T)
    assert refused is not None
    assert (refused.label, floor.held("USDT")) == ("BALANCE_NOT_ENOUGH", (820, 180))
    assert amend(floor.account, order, D(1), D("64.03"), "", T) is None
    assert (order.status, order.finish_as, floor.held("USDT")) == (
        Status.CLOSED,
        "filled",
        (D("935.97"), 0),
    )
    closed = amend(floor.account, order, D(5), None, "", T)
    assert closed is not None
    assert closed.label == "ORDER_CLOSED"


def test_a_maker_only_order_is_not_amended_into_the_market() -> None:
    floor = Floor()
    order = floor.place("buy", "2", "60", in_force="poc")
    refused = floor.engine.amend(floor.account, order, None, D("64.03"), "", T)
    assert refused is not None
    assert (refused.label, order.price) == ("POC_FILL_IMMEDIATELY", 60)
    assert floor.held("USDT") == (880, 120)


@pytest.mark.parametrize(
    ("fees_in", "currency", "paid"),
    [("gt", "GT", "0.0009604500"), ("points", "POINT", "0.01280600")],
)
def test_fees_are_paid_in_gt_or_points_until_those_do_not_suffice(
    fees_in: FeesIn, currency: str, paid: str
) -> None:
    floor = Floor(FeePlan(fees_in=fees_in))
    floor.engine.transfer(floor.account, currency, D("0.015"), T)
    first = floor.place("buy", "6.403")
    assert (first.fee, first.gt_fee + first.point_fee) == (0, D(paid))
    assert floor.account.available(currency) == D("0.015") - D(paid)
    while (order := floor.place("buy", "6.403")).fee == 0:
        pass
    assert (order.fee, order.fee_currency) == (D("0.0002"), "LTC")
    assert 0 < floor.account.available(currency) < D(paid)


def test_a_maker_may_be_given_a_rebate() -> None:
    floor = Floor(FeePlan(maker=D("-0.0001")))
    order = floor.place("sell", "1", "65")
    floor.engine.fill_resting(floor.account, order, D(1), T)
    assert (order.fee, order.rebated_quote, floor.held("USDT")) == (
        0,
        D("0.0065"),
        (D("1065.0065"), 0),
    )


def test_a_stop_fires_at_its_moment_and_its_order_is_another_one() -> None:
    floor = Floor()
    stop = floor.stop("1", "59", "60")
    floor.venue.move(T + 5_000, "60")
    floor.venue.move(T + 9_000, "40")
    floor.engine.advance(T + 20_000)
    assert (stop.status, stop.finished_ms) == (PriceOrderStatus.FINISH, T + 5_000)
    fired = floor.account.orders[stop.fired_order_id]
    assert (fired.wish.text, fired.status, fired.filled_quote) == (
        "apiv4",
        Status.CLOSED,
        D("59.99"),
    )
    assert not floor.engine.cancel_price_order(floor.account, stop, T + 20_000)


def test_a_stop_whose_coins_are_gone_fails_with_the_reason() -> None:
    floor = Floor()
    stop = floor.stop("10", "59", "60")
    floor.place("sell", "1")
    floor.venue.move(T + 5_000, "59.5")
    floor.engine.advance(T + 5_000)
    assert (stop.status, stop.reason) == (PriceOrderStatus.FAILED, "BALANCE_NOT_ENOUGH")


def test_the_switches_of_price_orders() -> None:
    floor = Floor(price_order_reserves=True, price_order_delay_ms=2_000, price_order_text="t-fired")
    stop = floor.stop("10", "59", "60")
    assert floor.held("LTC") == (0, 10)
    assert floor.refused("sell", "1") == "BALANCE_NOT_ENOUGH"
    floor.venue.move(T + 5_000, "60")
    floor.engine.advance(T + 6_000)
    assert (stop.status, floor.held("LTC")) == (PriceOrderStatus.OPEN, (0, 10))
    assert not floor.engine.cancel_price_order(floor.account, stop, T + 6_000), "it has fired"
    floor.engine.advance(T + 7_000)
    assert stop.status is PriceOrderStatus.FINISH
    assert floor.account.orders[stop.fired_order_id].wish.text == "t-fired"
    assert floor.held("LTC") == (0, 0)


def test_a_stop_expires_and_gives_back_what_it_kept() -> None:
    floor = Floor(price_order_reserves=True)
    stop = floor.stop("10", "59", "60", expiration=60)
    floor.venue.move(T + 61_000, "50")
    floor.engine.advance(T + 90_000)
    assert (stop.status, stop.finished_ms) == (PriceOrderStatus.EXPIRED, T + 60_000)
    assert floor.held("LTC") == (10, 0)


def test_triggers_that_gate_does_not_take() -> None:
    floor = Floor()
    put = Wish("LTC_USDT", Side.SELL, OrderType.LIMIT, D(1), D(59))

    def label(price: str, rule: str, expiration: int, at: int = T) -> str:
        when = Trigger(D(price), Rule(rule), expiration)
        placed = floor.engine.place_price_order(floor.account, put, when, at)
        return placed.label if isinstance(placed, Refused) else "ok"

    assert label("60", "<=", 59) == label("60", "<=", 2_592_001) == "INVALID_PARAM_VALUE"
    assert label("64.02", "<=", 60) == "AUTO_TRIGGER_PRICE_LESS_LAST"
    assert label("64.02", ">=", 60) == "AUTO_TRIGGER_PRICE_GREATE_LAST"
    assert label("60", "<=", 60) == "ok"
    assert label("61", "<=", 60, T + 1_499) == "REPEAT_REQUEST"
    assert label("70", ">=", 60, T + 1_499) == "ok"
    assert label("61", "<=", 60, T + 1_500) == "ok"


@pytest.mark.parametrize("with_stops", [False, True])
def test_a_countdown_cancels_unless_it_is_renewed(*, with_stops: bool) -> None:
    floor = Floor(countdown_cancels_price_orders=with_stops)
    order, stop = floor.place("buy", "1", "60"), floor.stop("1", "59", "60")
    assert floor.engine.count_down(floor.account, "", 30, T) == T + 30_000
    assert floor.engine.count_down(floor.account, "", 30, T + 20_000) == T + 50_000
    floor.engine.advance(T + 49_999)
    assert order.is_open
    floor.engine.advance(T + 60_000)
    assert (order.status, order.updated_ms) == (Status.CANCELLED, T + 50_000)
    assert (stop.status is PriceOrderStatus.CANCELLED) is with_stops
    again = floor.place("buy", "1", "60", at=T + 60_000)
    assert floor.engine.count_down(floor.account, "", 0, T + 60_000) == 0
    floor.engine.advance(T + 600_000)
    assert again.is_open


def test_events_happen_in_their_order_however_late_one_looks() -> None:
    floor = Floor()
    stop = floor.stop("10", "59", "60")
    rest = floor.place("sell", "5", "66")
    floor.venue.move(T + 1_000, "66.01")
    floor.venue.move(T + 2_000, "59.9")
    floor.engine.advance(T + 10_000)
    assert (rest.status, rest.updated_ms) == (Status.CLOSED, T + 1_000)
    assert (stop.status, stop.reason) == (PriceOrderStatus.FAILED, "BALANCE_NOT_ENOUGH")


def test_every_change_of_a_balance_has_its_number_and_its_line_in_the_book() -> None:
    floor = Floor()
    before = floor.account.holding("USDT").update_id
    floor.place("buy", "5")
    assert floor.account.holding("USDT").update_id == before + 1
    assert floor.refused("buy", "1") == "INVALID_PARAM_VALUE"
    assert floor.account.holding("USDT").update_id == before + 1
    for currency in ("USDT", "LTC"):
        lines = [entry for entry in floor.account.book if entry.currency == currency]
        assert sum(entry.change for entry in lines) == sum(floor.held(currency))
        assert lines[-1].balance == sum(floor.held(currency))


def test_what_comes_later_in_the_list_may_still_be_due_first() -> None:
    floor = Floor()
    rest = floor.place("buy", "5", "58")
    stop = floor.stop("10", "59", "60")
    floor.venue.move(T + 1_000, "59.9")
    floor.venue.move(T + 2_000, "57")
    floor.engine.advance(T + 10_000)
    assert (stop.status, stop.finished_ms) == (PriceOrderStatus.FINISH, T + 1_000)
    assert (rest.status, rest.updated_ms) == (Status.CLOSED, T + 2_000)


def test_no_amount_falls_below_zero_whoever_asks() -> None:
    floor = Floor()
    held = floor.held("USDT")
    for available, locked in ((D(-1001), D(0)), (D(0), D(-1))):
        with pytest.raises(ValueError, match="USDT"):
            floor.account.move("USDT", available, locked, T, "a mistake")
    assert floor.held("USDT") == held
    assert not floor.engine.transfer(floor.account, "USDT", D(-1001), T)
