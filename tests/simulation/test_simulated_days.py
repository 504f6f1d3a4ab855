"""Two hundred simulated days, each from one seed: DESIGN's invariants hold at every step.

To look at one: `make simulate SEED=n`. Many more, and every guard removed in turn: `make simulate`.
The other half is in test_simulated_days_too.py, so that two workers share them.
"""

import pytest

from simulation.days_at_once import assert_unbroken

DAYS = 100
DAYS_A_TEST = 10


@pytest.mark.parametrize("first", range(0, DAYS, DAYS_A_TEST))
def test_no_trouble_of_a_day_breaks_a_promise(first: int) -> None:
    assert_unbroken(range(first, first + DAYS_A_TEST))
