from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ai_bot.domain.money import (
    ceil_to_step,
    divide_down,
    floor_to_step,
    plain,
    share_down,
    to_decimal,
    total,
)

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=8)
positive = st.decimals(min_value="0.00000001", max_value=10**9, places=8)
steps = st.sampled_from([Decimal(1).scaleb(-places) for places in range(9)] + [Decimal("0.25")])


@given(amounts, steps)
def test_floor_and_ceiling_enclose_the_amount_within_one_step(
    amount: Decimal, step: Decimal
) -> None:
    down, up = floor_to_step(amount, step), ceil_to_step(amount, step)
    assert down <= amount <= up
    assert up - down in {0, step}
    assert down % step == 0
    assert up % step == 0


@given(positive, positive)
def test_a_quotient_cut_down_is_never_more_than_the_true_one(top: Decimal, bottom: Decimal) -> None:
    assert divide_down(top, bottom) * bottom <= top


def test_a_quotient_of_more_digits_than_usual_is_cut_all_the_same() -> None:
    quotient = divide_down(Decimal("1e20"), Decimal(3))
    assert quotient == Decimal("33333333333333333333.333333333333")


def test_the_sum_of_nothing_is_an_amount_of_money() -> None:
    assert isinstance(total([]), Decimal)
    assert total([]) == 0


@given(positive, positive, positive)
def test_a_share_is_never_more_than_the_whole(
    whole: Decimal, first: Decimal, rest: Decimal
) -> None:
    assert 0 <= share_down(whole, first, first + rest) <= whole


@given(amounts)
def test_plain_digits_read_back_as_the_same_number(amount: Decimal) -> None:
    assert Decimal(plain(amount)) == amount
    assert "E" not in plain(amount)


def test_plain_has_no_exponent_no_trailing_zeros_and_no_negative_zero() -> None:
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("1.500")) == "1.5"
    assert plain(Decimal("-0.0")) == "0"


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1,5"])
def test_what_is_not_a_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        to_decimal(text)
