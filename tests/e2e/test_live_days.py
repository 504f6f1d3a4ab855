"""Live trading with faults on the line and deaths at any call: the books are the exchange's."""

from pathlib import Path

import pytest

from e2e.live_days import live_through

pytestmark = pytest.mark.cloud


def test_minutes_of_faults_and_deaths_leaves_the_books_equal_to_the_exchange(
    tmp_path: Path,
) -> None:
    days = live_through(tmp_path, minutes=40, faults_pct=10, kill_minutes=2, seed=11)
    assert not days.agreement.disagreements, days.agreement
    assert days.kills > 8
    assert days.agreement.troubles["faults"] > 10
    assert days.decisions["evaluate", "enter"] + days.decisions["exits", "settled"] > 2
    assert not days.errors  # whatever fails is told in an outcome, or the process is dead
