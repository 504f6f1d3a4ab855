"""Days that once broke something; what each found has a test of its own as well."""

import pytest

from simulation.day import broken_by

FOUND = {
    284: "a rising stop kept a balance that is short from halting its symbol",
    666: "an order found late was counted in the order of its time, not of its booking",
    2072: "a repeated sell of coins that are not ours could never be settled",
    3207: "the simulation took an intermediary's repetition for an order of ours",
    3310: "the simulation forgot that a repetition's refusal may be believed",
}


@pytest.mark.parametrize("seed", FOUND, ids=str)
def test_a_seed_that_once_broke_something_breaks_nothing(seed: int) -> None:
    assert broken_by(seed) == "", FOUND[seed]
