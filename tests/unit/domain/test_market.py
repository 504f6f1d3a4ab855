import pytest

from builders import BTC, dec, market, quote
from crypto_ai_bot.domain.market import Symbol, TradeStatus
from crypto_ai_bot.domain.trading_state import TradingState, more_careful


@pytest.mark.parametrize("text", ["BTC", "BTC_USDT", "/USDT", "BTC/", "BTC/BTC", "B C/USDT", ""])
def test_what_is_not_a_symbol_is_refused_with_the_form_that_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="BASE/QUOTE"):
        Symbol.parse(text)


def test_a_symbol_reads_back_as_written() -> None:
    assert Symbol.parse("btc/usdt") == BTC
    assert str(BTC) == "BTC/USDT"


def test_what_can_be_sold_is_floored_to_the_step() -> None:
    rules = market(amount_step_base=dec("0.001"), amount_base_min=dec("0.001"))
    assert rules.sellable_base(dec("0.077844"), dec("64.03")) == dec("0.077")


def test_dust_cannot_be_sold() -> None:
    rules = market(amount_step_base=dec("0.001"), amount_base_min=dec("0.01"))
    assert rules.sellable_base(dec("0.000844"), dec(100_000)) == 0
    assert rules.sellable_base(dec("0.009"), dec(100_000)) == 0
    assert rules.sellable_base(dec("0.04"), dec("64.03")) == 0  # 2.56 quote, 3 needed


def test_what_just_reaches_both_minimums_can_be_sold() -> None:
    rules = market(amount_step_base=dec("0.001"), amount_base_min=dec("0.01"))
    assert rules.sellable_base(dec("0.01"), dec(300)) == dec("0.01")
    assert rules.sellable_base(dec("0.01"), dec("299.9")) == 0


def test_a_coin_that_is_about_to_be_delisted_may_be_sold_and_not_bought() -> None:
    leaving = market(delisting_ms=1)
    assert (leaving.may_buy, leaving.may_sell) == (False, True)
    sellable = market(trade_status=TradeStatus.SELLABLE)
    assert (sellable.may_buy, sellable.may_sell) == (False, True)
    closed = market(trade_status=TradeStatus.UNTRADABLE)
    assert (closed.may_buy, closed.may_sell) == (False, False)


def test_the_spread_is_in_per_cent_of_the_mid_price() -> None:
    assert quote("99", "101").spread_pct == dec(2)


def test_the_more_careful_state_wins_whatever_the_order() -> None:
    on, exits_only, off = TradingState.ON, TradingState.EXITS_ONLY, TradingState.OFF
    assert more_careful(on, exits_only) is more_careful(exits_only, on) is exits_only
    assert more_careful(off, exits_only) is more_careful(on, off) is off
