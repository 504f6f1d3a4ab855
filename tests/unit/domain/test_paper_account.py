"""The paper exchange's balances: what trades moves both coins, and the fee goes."""

from builders import buy_request, dec, order, report, sell_request
from crypto_ai_bot.domain.order import Totals
from crypto_ai_bot.domain.paper import PaperAccount

RICH = PaperAccount({"USDT": dec(1_000), "BTC": dec("0.5"), "GT": dec(3)}, orders=4)


def test_a_buy_takes_its_cost_and_brings_its_base_less_the_fee() -> None:
    after = RICH.after(report(order(buy_request()), "0.005", "100"))
    assert after.balances == {"USDT": dec(900), "BTC": dec("0.50499"), "GT": dec(3)}


def test_a_sell_takes_its_base_and_brings_its_proceeds_less_the_fee() -> None:
    after = RICH.after(report(order(sell_request()), "0.005", "100"))
    assert after.balances == {"USDT": dec("1099.8"), "BTC": dec("0.495"), "GT": dec(3)}


def test_a_coin_that_was_never_held_starts_at_nothing() -> None:
    after = PaperAccount({"USDT": dec(100)}).after(report(order(), "0.005", "100"))
    assert after.balances == {"USDT": dec(0), "BTC": dec("0.00499")}


def test_an_order_that_traded_nothing_is_counted_and_moves_nothing() -> None:
    after = RICH.after(report(order(), "0", "0", totals=Totals()))
    assert (after.balances, after.orders) == (RICH.balances, 5)
