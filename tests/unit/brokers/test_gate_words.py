"""Gate's real answers, and what they prove."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.brokers.gate_words import read_order, read_submission, written_answer
from crypto_ai_bot.domain.order import Side, Totals
from crypto_ai_bot.ports.broker import Accepted, Answer, Rejected, Unknown
from fakes_feed import LTC_USDT
from unit.brokers.gate_account_stub import ORDER, OURS

# ccxt PR 19098, 2023-09-04: a market buy of 5 USDT; `left` is not 0, `filled_amount` is not there
REAL_BUY: dict[str, Any] = {
    "id": "394120049349",
    "text": "apiv4",
    "create_time_ms": "1693826050324",
    "status": "closed",
    "currency_pair": "LTC_USDT",
    "side": "buy",
    "amount": "5",
    "left": "0.00566",
    "filled_total": "4.99434",
    "avg_deal_price": "64.03",
    "fee": "0.000156",
    "fee_currency": "LTC",
    "point_fee": "0",
    "gt_fee": "0",
    "rebated_fee": "0",
    "rebated_fee_currency": "USDT",
    "finish_as": "filled",
}
# ccxt PR 16793, 2023-02-10: the older engine, `cancelled` although filled, no `finish_as`
OLD_BUY = {
    **REAL_BUY,
    "status": "cancelled",
    "left": "0.000000000141",
    "filled_total": "4.999999999859",
    "avg_deal_price": "91.99",
    "fee": "0.0001087074682",
    "finish_as": None,
}


def test_the_real_order_is_read_by_its_fills_and_not_by_what_is_left() -> None:
    report = read_order(REAL_BUY)
    assert report.totals == Totals(
        base=Decimal("0.078"), quote=Decimal("4.99434"), fee_base=Decimal("0.000156")
    )
    assert (report.finished, report.finish_reason) == (True, "filled")
    assert (report.symbol, report.side) == (LTC_USDT, Side.BUY)
    assert report.exchange_order_id == "394120049349"
    assert report.updated_ms == 1_693_826_050_324


def test_an_order_of_the_older_engine_is_finished_though_cancelled() -> None:
    report = read_order(OLD_BUY)
    assert report.totals.base == Decimal("0.0543537341")
    assert (report.finished, report.finish_reason) == (True, "cancelled")


def test_the_filled_amount_is_taken_where_gate_sends_it() -> None:
    report = read_order({**REAL_BUY, "filled_amount": "0.078", "avg_deal_price": "0"})
    assert report.totals.base == Decimal("0.078")


def test_an_order_without_a_fill_has_no_average_price() -> None:
    report = read_order(
        {
            **REAL_BUY,
            "filled_total": "0",
            "avg_deal_price": None,
            "fee": "0",
            "finish_as": "depth_not_enough",
        }
    )
    assert report.totals == Totals()
    assert report.finish_reason == "depth_not_enough"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"fee": "0.01", "fee_currency": "USDT"}, Totals(fee_quote=Decimal("0.01"))),
        ({"fee": "0", "gt_fee": "0.003"}, Totals(fee_other={"GT": Decimal("0.003")})),
        ({"fee": "0", "point_fee": "0.02"}, Totals(fee_other={"POINT": Decimal("0.02")})),
        (
            {"fee": "0", "rebated_fee": "0.001", "rebated_fee_currency": "USDT"},
            Totals(fee_quote=Decimal("-0.001")),
        ),
    ],
    ids=["quote", "GT", "points", "rebate"],
)
def test_fees_are_booked_in_the_coin_they_were_taken_from(
    fields: dict[str, str], expected: Totals
) -> None:
    totals = read_order({**REAL_BUY, **fields}).totals
    assert (totals.fee_base, totals.fee_quote) == (expected.fee_base, expected.fee_quote)
    assert totals.fee_other == expected.fee_other


def test_a_fee_in_gt_on_a_gt_pair_leaves_the_traded_balance() -> None:
    row = {**REAL_BUY, "currency_pair": "GT_USDT", "fee": "0", "gt_fee": "0.003"}
    totals = read_order(row).totals
    assert (totals.fee_base, totals.fee_other) == (Decimal("0.003"), {})


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"update_time_ms": 1_710_488_334_074}, 1_710_488_334_074),
        ({"update_time_ms": "1645464610777.399200"}, 1_645_464_610_777),
        ({"create_time_ms": None, "update_time": "1548000100"}, 1_548_000_100_000),
        ({"create_time_ms": None, "create_time": 1_548_000_100}, 1_548_000_100_000),
    ],
)
def test_times_come_as_integers_texts_and_seconds(times: Any, expected: int) -> None:
    assert read_order({**REAL_BUY, **times}).updated_ms == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "-"},
        {"id": 1.5},
        {"id": "128503085637.0"},
        {"id": True},
        {"fee": "0.1", "fee_currency": ""},
        {"filled_total": None},
        {"filled_total": "many"},
        {"side": "short"},
        {"currency_pair": "LTC"},
        {"create_time_ms": None},
    ],
)
def test_an_order_that_cannot_be_read_whole_is_not_read(wrong: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_order({**REAL_BUY, **wrong})


SAMPLES = Path(__file__).parents[4] / "shared/reference/gate/response-samples.json"


@pytest.mark.skipif(not SAMPLES.exists(), reason="the reference is not beside the project")
def test_the_recorded_orders_are_read_as_their_sources_tell() -> None:
    samples = json.loads(SAMPLES.read_text())

    def read(start: str) -> Any:
        (row,) = (row for name, row in samples.items() if name.startswith(start))
        return read_order(row)

    whole = read("REAL market buy 5 USDT, ccxt PR 19098")
    assert whole.totals == Totals(
        Decimal("0.078"), Decimal("4.99434"), fee_base=Decimal("0.000156")
    )
    older = read("REAL market buy 5 USDT, ccxt PR 16793")
    assert older.totals.fee_base == Decimal("0.0001087074682")
    assert older.finished
    assert read("REAL cancelled limit").totals == Totals()
    full = read("POST /spot/orders FULL")
    assert full.totals == Totals(
        Decimal("0.001"), Decimal("63.4693"), fee_base=Decimal("0.00000022")
    )
    with pytest.raises(KeyError):  # RESULT tells no fee's coin, and ACK no fill at all
        read("POST /spot/orders action_mode=ACK")


@pytest.mark.parametrize(
    ("charged", "left_base"),
    [
        ({"fee": "0.000156", "fee_currency": "LTC"}, "0.077844"),
        ({"fee": "0", "gt_fee": "0.0021", "gt_discount": True}, "0.078"),
        ({"fee": "0", "point_fee": "0.0099"}, "0.078"),
        ({"fee": "0.000156", "rebated_fee": "0.00005", "rebated_fee_currency": "LTC"}, "0.077894"),
    ],
    ids=["base", "GT", "points", "rebate"],
)
def test_what_a_buy_leaves_of_the_base_is_what_the_fee_did_not_take(
    charged: dict[str, Any], left_base: str
) -> None:
    totals = read_order({**REAL_BUY, **charged}).totals
    assert totals.base - totals.fee_base == Decimal(left_base)


# --- what an answer to a submission proves

OUR_BUY = {**REAL_BUY, "text": OURS}


def outcome(status: int, body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return read_submission(ORDER, written_answer(status, "trace-7", text))


@pytest.mark.parametrize("status", [200, 201, 202])
def test_our_name_and_an_id_prove_the_order(status: int) -> None:
    found = outcome(status, OUR_BUY)
    assert isinstance(found, Accepted)
    assert found.report.totals.base == Decimal("0.078")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "12332324", "text": OURS, "amend_text": "test2"},
        {**OUR_BUY, "filled_total": "many"},
        {**OUR_BUY, "status": "strange"},
    ],
    ids=["ACK", "figures", "status"],
)
def test_an_order_whose_figures_cannot_be_read_is_accepted_without_fills(body: Any) -> None:
    found = outcome(201, body)
    assert isinstance(found, Accepted)
    assert (found.report.finished, found.report.totals) == (False, Totals())


@pytest.mark.parametrize(
    ("status", "label"),
    [
        (400, "BALANCE_NOT_ENOUGH"),
        (403, "REQUEST_EXPIRED"),
        (200, "REQUEST_EXPIRED"),
        (401, "INVALID_KEY"),
        (429, "TOO_MANY_REQUESTS"),
    ],
)
def test_a_known_label_proves_that_no_order_was_made(status: int, label: str) -> None:
    found = outcome(status, {"label": label, "message": "why"})
    assert found == Rejected(f"{label}: why")


def test_a_request_that_never_left_is_a_rejection() -> None:
    assert read_submission(ORDER, Answer("refused", sent=False)) == Rejected("never sent: refused")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (0, ""),
        (201, ""),
        (201, "null"),
        (201, "<html>"),
        (201, '{"id": "1", "text": "t-a-a'),
        (201, [OUR_BUY]),
        (201, {}),
        (201, {"text": OURS}),
        (201, {**OUR_BUY, "id": 1.5}),
        (201, {**OUR_BUY, "text": "apiv4"}),
        (201, {**OUR_BUY, "side": "sell"}),
        (201, {**OUR_BUY, "currency_pair": "BTC_USDT"}),
        (302, OUR_BUY),
        (500, OUR_BUY),
        (400, {}),
        (400, "<html>"),
        (429, {}),
        (500, {"label": "BALANCE_NOT_ENOUGH"}),
        (302, {"label": "BALANCE_NOT_ENOUGH"}),
        (400, {"label": "SERVER_ERROR"}),
        (400, {"label": "INTERNAL"}),
        (400, {"label": "REPEAT_REQUEST"}),
        (400, {"label": "DUPLICATE_REQUEST"}),
        (404, {"label": "ORDER_NOT_FOUND"}),
        (404, {"label": "CLIENT_ID_NOT_FOUND"}),
        (400, {"label": "NEVER_HEARD_OF"}),
    ],
)
def test_everything_else_is_unknown(status: int, body: Any) -> None:
    assert isinstance(outcome(status, body), Unknown)
