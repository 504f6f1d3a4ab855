"""Whatever happens to a stop: it sells once, and the books equal the exchange."""

import pytest

from contract.outcome_matrix import Case, cases, live_through
from crypto_ai_bot.domain.order import Side


@pytest.mark.parametrize("case", cases([Side.SELL]), ids=str)
def test_a_stop_sells_once_and_is_settled_by_evidence(case: Case) -> None:
    assert live_through(case).as_promised
