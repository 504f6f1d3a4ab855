"""Orders that are not in our books: whose, what they moved, what the operator reads.

Mutants showed the need.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from builders import BTC, ETH, NOON_MS, buy_request, dec, order, report, sell_request
from crypto_ai_bot.domain.order import OrderReport, OrderState
from crypto_ai_bot.reconciliation.others import (
    Foreign,
    Ours,
    Repeated,
    explanation,
    net_base,
    origin_of,
    told,
)

CLOSED = order(state=OrderState.CLOSED, exchange_order_id="7001")
STEP = dec("0.000001")


def bought(base: str, name: str = "8001", **changes: Any) -> Foreign:
    """Somebody's buy; its fee is 0.2 % of the base."""
    return Foreign(report(order(buy_request()), base, "10000", exchange_order_id=name, **changes))


def sold(base: str, name: str = "8002", fee_base: str = "0", **changes: Any) -> Foreign:
    said = report(order(sell_request()), base, "10000", exchange_order_id=name, **changes)
    return Foreign(replace(said, totals=replace(said.totals, fee_base=Decimal(fee_base))))


def test_an_order_in_our_books_is_ours_with_what_is_reported_of_it() -> None:
    said = report(CLOSED, "0.005", "100")
    assert origin_of(said, CLOSED, "paper") == Ours(said)


def test_our_name_on_another_symbol_is_a_deployment_with_our_tag() -> None:
    """A name too short to be of our make carries no tag: the one that has the name is told."""
    twin = replace(report(CLOSED, "1", "2000", exchange_order_id="9"), symbol=ETH)
    assert origin_of(twin, CLOSED, "paper") == Foreign(twin, "paper")


@pytest.mark.parametrize(("held", "fits"), [("0.0051", True), ("0.005001", True), ("0.005", False)])
def test_a_repeated_sell_fits_when_all_that_it_took_fee_included_is_held(
    held: str,
    fits: bool,  # noqa: FBT001 - a parameter
) -> None:
    said = sold("0.005", fee_base="0.000001").report
    assert Repeated(CLOSED, said).fits(dec(held)) == fits


def test_a_repeated_buy_fits_whatever_is_held() -> None:
    assert Repeated(CLOSED, bought("0.005").report).fits(dec(0))


def test_a_fee_in_base_lessens_what_a_buy_brought_and_adds_to_what_a_sell_took() -> None:
    assert net_base([bought("0.5")]) == dec("0.499")
    assert net_base([sold("0.3", fee_base="0.001")]) == dec("-0.301")
    assert net_base([bought("0.5"), sold("0.3", fee_base="0.001")]) == dec("0.198")


def test_an_order_of_others_is_told_with_its_figures_and_whether_it_is_open() -> None:
    said = bought("0.5", client_order_id="").report
    whole = (
        "order 8001 (no text, buy of 0.5 BTC for 10000 USDT) is not ours: another program or you"
    )
    assert str(Foreign(said)) == whole
    resting = str(Foreign(replace(said, finished=False)))
    assert resting == whole.replace("USDT)", "USDT, still open)")


def event_text(said: OrderReport, deployment: str) -> str:
    return told(Foreign(said, deployment), NOON_MS).text


def test_only_an_order_of_another_deployment_is_told_to_stop_entries() -> None:
    said = bought("0.5").report
    assert event_text(said, "") == f"foreign: {BTC}: {Foreign(said)}"
    assert event_text(said, "laptop").endswith("'laptop'; entries are stopped")


def test_a_difference_that_orders_of_others_made_is_explained_by_their_ids() -> None:
    both = [bought("0.5"), sold("0.3")]
    explained = "explained by orders that are not ours (8001, 8002)"
    assert explanation(dec("0.199"), both, STEP) == explained
    almost = dec("0.199") + STEP / 2
    assert explanation(almost, both, STEP) == explained


def test_an_amount_step_more_than_others_moved_is_not_explained_by_them() -> None:
    """As much as an order could trade is a difference, here as in drift_of."""
    because = explanation(dec("0.499") + STEP, [bought("0.5")], STEP)
    assert because == "0.499 of it by orders that are not ours (8001), else a deposit or a transfer"


def test_a_difference_without_orders_is_a_deposit_or_a_withdrawal_by_its_sign() -> None:
    assert explanation(dec(1), [], STEP) == "no order explains it: a deposit or a transfer"
    assert explanation(dec(-1), [], STEP) == "no order explains it: a withdrawal or a transfer"


def test_orders_of_others_that_still_rest_are_named_for_they_lock_coins() -> None:
    resting = [
        sold("0", "8002", finished=False),
        bought("0.5"),
        sold("0", "8003", finished=False),
    ]
    because = explanation(dec("-0.2"), resting, STEP)
    assert because.endswith("; 8002, 8003 is open and may hold coins back")
    assert "hold coins back" not in explanation(dec("-0.2"), [bought("0.5")], STEP)
