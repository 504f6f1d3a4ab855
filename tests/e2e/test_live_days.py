"""Live trading with faults on the line and deaths at any call: the books are the exchange's."""

from pathlib import Path

import pytest

from e2e.live_days import live_through
from e2e.rig import NOON_MS

pytestmark = pytest.mark.cloud


def test_minutes_of_faults_and_deaths_leaves_the_books_equal_to_the_exchange(
    tmp_path: Path,
) -> None:
    days = live_through(
        tmp_path,
        minutes=30,
        faults_pct=10,
        kill_minutes=2,
        seed=11,
        start_ms=NOON_MS,
        settings={"STRATEGY": "flip", "STRATEGY_PARAMETERS": "", "RISK_COOLDOWN_SEC": "0"},
    )
    assert not days.agreement.disagreements, days.agreement
    assert days.kills > 5
    assert days.agreement.troubles["faults"] > 5
    assert len(days.orders) > 3
    assert not days.errors  # whatever fails is told in an outcome, or the process is dead
