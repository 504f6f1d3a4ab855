"""Days that once broke something, or that break with a rarely noticed guard removed.

A seed is the same day only while the simulation is the same: older ones would be others now. What
each found in our code has a test of its own as well.
"""

import pytest

from simulation.day import broken_by

FOUND = {
    713: "a sell that was refused and made all the same is no withdrawal",
    722: "a stop judged on one position would sell its successor",
    1253: "an entry right after a sale, judged on a balance from before it",
    22525: "the simulated operator gave up before reconcile had told of all that was his",
    23105: "a stop was placed over a sell that had been refused and made all the same",
}


@pytest.mark.parametrize("seed", FOUND, ids=str)
def test_a_seed_that_once_broke_something_breaks_nothing(seed: int) -> None:
    assert broken_by(seed) == "", FOUND[seed]
