"""docs/cost.md against what is computed, within a tenth: every field that is added moves bytes."""

import re
from pathlib import Path

import pytest

from benchmarks.month_cost import PRICES, SCENARIOS, month, totals
from crypto_ai_bot.runtime.observability import METRICS

TEXT = (Path(__file__).parents[2] / "docs/cost.md").read_text()


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_the_document_says_of_a_deployment_is_what_is_computed(name: str) -> None:
    found = re.search(rf"^\| {name} \| \$([\d.]+) \| \*\*\$([\d.]+)\*\* \|$", TEXT, re.MULTILINE)
    assert found
    listed, due = totals(month(**SCENARIOS[name]))
    assert float(found[1]) == pytest.approx(listed, rel=0.1)
    assert float(found[2]) == pytest.approx(due, rel=0.1, abs=0.02)


def test_one_symbol_and_exits_each_minute_is_under_sixty_cents() -> None:
    _, due = totals(month(symbols=1))
    assert due < 0.60


def test_as_many_metrics_are_counted_as_there_are() -> None:
    assert month(symbols=1)["CloudWatch, metrics"] == len(METRICS)
    assert PRICES["CloudWatch, metrics"].free == len(METRICS)
