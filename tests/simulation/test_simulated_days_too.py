"""The other half of test_simulated_days.py, for the other worker."""

import pytest

from simulation.days_at_once import assert_unbroken
from simulation.test_simulated_days import DAYS, DAYS_A_TEST


@pytest.mark.parametrize("first", range(DAYS, 2 * DAYS, DAYS_A_TEST))
def test_no_trouble_of_another_day_breaks_a_promise(first: int) -> None:
    assert_unbroken(range(first, first + DAYS_A_TEST))
