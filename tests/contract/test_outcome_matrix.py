"""Whatever happens to a buy: one decision, at most one order, and the books equal the exchange."""

import pytest

from contract.outcome_matrix import Case, cases, live_through
from crypto_ai_bot.domain.order import Side


@pytest.mark.parametrize("case", cases([Side.BUY]), ids=str)
def test_a_buy_makes_at_most_one_order_and_is_settled_by_evidence(case: Case) -> None:
    assert live_through(case).as_promised
