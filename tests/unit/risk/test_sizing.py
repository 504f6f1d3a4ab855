from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from builders import BTC, NOON_MS, dec, market, quote
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.domain.stop import ExitCall
from crypto_ai_bot.risk.sizing import size_entry, size_exit

ENTER = Signal(Action.ENTER, 1.0, ("up", "strong"), 15.0)


def holding(base: str) -> Ledger:
    return Ledger(BTC, position=Position((Lot("f", dec(base), dec(100), 1),)))


def test_the_amount_of_a_buy_is_cut_down_to_the_price_step() -> None:
    """The exchange cuts 5.129 to 5.1 at a price step of 0.1 (gate-spot 1.4)."""
    request = size_entry(ENTER, quote(), market(), dec("5.129"), NOON_MS)
    assert request.amount == dec("5.1")
    assert request.reason == "up; strong"
    assert request.atr == 15.0


def test_a_sell_is_floored_to_the_step() -> None:
    rules = market(amount_step_base=dec("0.001"), amount_base_min=dec("0.001"))
    call = ExitCall(Purpose.STOP, dec("0.077844"), "stop")
    request = size_exit(call, holding("0.077844"), quote("64", "65"), rules, NOON_MS)
    assert request
    assert request.amount == dec("0.077")


def test_dust_makes_no_request() -> None:
    call = ExitCall(Purpose.STOP, dec("0.000001"), "stop")
    assert size_exit(call, holding("0.000001"), quote(), market(), NOON_MS) is None


def test_a_part_whose_rest_could_not_be_sold_takes_the_rest_with_it() -> None:
    call = ExitCall(Purpose.TAKE_PROFIT, dec("0.0004"), "step")
    request = size_exit(call, holding("0.0005"), quote(), market(), NOON_MS)
    assert request
    assert request.amount == dec("0.0005")


amounts = st.decimals(min_value="0.000001", max_value=1, places=9)


@given(amounts, amounts)
def test_no_more_is_asked_for_than_is_held(held: Decimal, wanted: Decimal) -> None:
    call = ExitCall(Purpose.STOP, wanted, "stop")
    request = size_exit(call, holding(str(held)), quote(), market(), NOON_MS)
    if request:
        assert request.amount <= held
        assert request.amount % market().amount_step_base == 0
        assert request.amount * quote().bid >= market().amount_quote_min
