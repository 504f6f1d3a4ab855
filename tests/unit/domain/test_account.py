from dataclasses import replace

from builders import BTC, ETH, NOON_MS, buy_request, dec, order, sell_request
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import DAY_MS, HOUR_MS
from crypto_ai_bot.domain.position import Lot, Position

MIDNIGHT_MS = NOON_MS - NOON_MS % DAY_MS


def test_orders_drop_out_after_an_hour() -> None:
    account = Account().with_order(NOON_MS).with_order(NOON_MS + 1_000)
    assert len(account.at(NOON_MS + HOUR_MS - 1).order_times_ms) == 2
    assert account.at(NOON_MS + HOUR_MS).order_times_ms == (NOON_MS + 1_000,)


def test_orders_drop_out_after_an_hour_of_the_same_day_too() -> None:
    account = Account().at(NOON_MS).with_order(NOON_MS)
    assert account.at(NOON_MS + HOUR_MS).order_times_ms == ()


def test_a_new_day_starts_at_zero_and_a_late_clock_does_not_bring_the_old_one_back() -> None:
    account = Account().at(NOON_MS).with_fill(dec(-50), dec(20))
    assert account.day_ms == MIDNIGHT_MS
    assert account.at(NOON_MS).realised_quote == dec(-50)
    tomorrow = account.at(MIDNIGHT_MS + DAY_MS)
    assert (tomorrow.realised_quote, tomorrow.fills) == (dec(0), 0)
    assert tomorrow.at(NOON_MS).day_ms == MIDNIGHT_MS + DAY_MS


def test_exposure_is_what_is_held_at_cost_and_what_pending_buys_may_spend() -> None:
    held = Ledger(BTC, position=Position((Lot("f", dec("0.005"), dec(100), 1),)))
    buying = Ledger(ETH).with_pending(order(buy_request("250", symbol=ETH)))
    account = Account().with_commitment(BTC, held).with_commitment(ETH, buying)
    assert account.exposure_quote == dec(350)
    selling = held.with_pending(order(sell_request()))
    assert account.with_commitment(BTC, selling).exposure_quote == dec(350)
    assert account.with_commitment(ETH, Ledger(ETH)).exposure_quote == dec(100)


def test_a_fill_moves_the_free_quote_once_it_is_known() -> None:
    assert Account().with_fill(dec(0), dec(-100)).free_quote is None
    known = replace(Account(), free_quote=dec(1_000)).with_fill(dec(0), dec(-100))
    assert known.free_quote == dec(900)
    assert known.fills == 1
