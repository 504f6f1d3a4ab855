"""Days that once broke something; what each found in our code has a test of its own as well.

A seed is the same day only while the simulation is the same: older ones would be others now.
"""

import pytest

from simulation.day import broken_by

FOUND = {
    509: "the books' word for a balance was taken as proof that no order was made",
    1857: "an entry right after a sale, read on a balance from before it",
    4987: "the same of an entry that was never sent",
    7319: "the simulation asked for a position that was sold and came back",
}


@pytest.mark.parametrize("seed", FOUND, ids=str)
def test_a_seed_that_once_broke_something_breaks_nothing(seed: int) -> None:
    assert broken_by(seed) == "", FOUND[seed]
