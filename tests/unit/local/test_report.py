"""Answers in, one line each; at the end tables, and the same facts as JSON."""

from dataclasses import replace
from typing import Any

from crypto_ai_bot.local.agreement import Agreement
from crypto_ai_bot.local.functions import Answer
from crypto_ai_bot.local.lines import line_of, short
from crypto_ai_bot.local.report import Report
from crypto_ai_bot.local.tables import tables_of

MINUTE = 1_795_348_800_000  # 2026-11-22 12:00
ORDER = {
    "client_order_id": "t-paper-abc",
    "side": "buy",
    "purpose": "entry",
    "state": "open",
    "filled_base": "0",
    "filled_quote": "0",
    "average_price": "0",
}
FILLED = {
    **ORDER,
    "state": "closed",
    "filled_base": "0.0046",
    "filled_quote": "99.978654",
    "average_price": "21734.49",
}
HELD = {
    "base": "0.0045908",
    "average_price": "21778.046092184368",
    "stop_price": "20647.766",
    "value_quote": "99.7",
}


def symbol(decision: str = "hold", **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTC/USDT",
        "decision": decision,
        "reasons": [],
        "order": None,
        "position": None,
        **changes,
    }


def run(*symbols: dict[str, Any], job: str = "evaluate", at: int = 0, **changes: Any) -> Answer:
    outcome = {"job": job, "ok": True, "trading_state": "on", "symbols": list(symbols), **changes}
    return Answer(job, MINUTE + at * 60_000, outcome, took_ms=12)


def test_a_line_says_when_who_what_and_how_long() -> None:
    line = line_of(run(symbol("enter", reasons=["EMA 12 crossed"], order=FILLED, position=HELD)))
    assert line == (
        "2026-11-22 12:00  evaluate   BTC/USDT enter: EMA 12 crossed"
        " | buy 0.0046 for 99.978654 at 21734.49 (closed)"
        " | holds 0.0045908 from 21778.046  12 ms"
    )


def test_a_line_about_many_symbols_tells_those_that_traded_and_counts_the_rest() -> None:
    many = [symbol() for _ in range(8)] + [symbol("enter", symbol="ETH/USDT", order=FILLED)]
    assert "ETH/USDT enter | buy" in line_of(run(*many))
    assert "8 x hold" in line_of(run(*many))
    assert "BTC/USDT" not in line_of(run(*many))


def test_a_line_shows_a_state_that_is_not_on_a_run_that_is_not_ok_and_a_failure() -> None:
    assert "[exits_only]" in line_of(run(symbol(), trading_state="exits_only"))
    assert "NOT OK" in line_of(run(symbol("error"), ok=False))
    assert "failed: no such table" in line_of(Answer("exits", MINUTE, None, "no such table"))


def test_numbers_are_shown_to_eight_digits_without_an_exponent() -> None:
    assert short("21778.046092184368") == "21778.046"
    assert short("0.000000422") == "0.000000422"
    assert short("100000000") == "100000000"
    assert short("1E+3") == "1000"
    assert short(None) == "-"
    assert short("closed") == "closed"


def test_an_order_is_told_once_as_it_last_stood_under_its_first_time() -> None:
    report = Report()
    report.add(run(symbol("enter", order=ORDER)))
    report.add(run(symbol("settled", order=FILLED), at=1))
    [order] = report.as_json()["orders"]
    assert order == {**FILLED, "symbol": "BTC/USDT", "time": "2026-11-22T12:00:00Z"}


def test_a_position_stands_until_an_answer_that_saw_none() -> None:
    report = Report()
    report.add(run(symbol(position=HELD)))
    report.add(run(symbol("busy"), job="exits"))
    report.add(run(symbol("error"), job="exits"))
    assert report.positions == {"BTC/USDT": HELD}
    report.add(run(symbol("stop", order=FILLED), job="exits"))
    assert report.positions == {}


def test_decisions_are_counted_by_job_and_symbol() -> None:
    report = Report()
    for _ in range(3):
        report.add(run(symbol()))
    report.add(run(symbol("enter", order=FILLED)))
    assert report.as_json()["decisions"] == {"evaluate": {"BTC/USDT": {"enter": 1, "hold": 3}}}


def test_equity_is_the_last_one_told_beside_the_first() -> None:
    report = Report()
    for equity in (None, "10000", "9999", "10010"):
        report.add(run(account={"equity_quote": equity, "free_quote": "1"}))
    assert "equity 10010 (at the start 10000)" in tables_of(report)


def test_an_account_without_prices_is_told_without_equity() -> None:
    report = Report()
    report.add(run(account={"equity_quote": None, "free_quote": "5"}))
    assert "equity - (at the start -), free 5" in tables_of(report)


def test_failures_and_errors_are_listed_with_their_minute() -> None:
    report = Report()
    report.add(Answer("exits", MINUTE, None, "no such table"))
    report.add(run(symbol("error", reasons=["no answer"]), at=1))
    assert report.errors == [
        "2026-11-22 12:00 exits: no such table",
        "2026-11-22 12:01 evaluate: BTC/USDT: no answer",
    ]


def test_the_tables_name_orders_positions_and_what_there_is_none_of() -> None:
    report = Report()
    report.add(run(symbol()))
    assert tables_of(report).count("  none") == 2
    report.add(run(symbol("enter", order=FILLED, position=HELD)))
    text = tables_of(report)
    assert "t-paper-abc" in text
    assert "20647.766" in text
    assert "none" not in text


def test_a_report_of_nothing_can_be_told() -> None:
    assert Report().as_json()["from"] is None
    assert "not told" in tables_of(Report())


def test_a_run_that_failed_is_a_failure_unless_there_was_trouble_on_purpose() -> None:
    report = Report()
    report.add(Answer("exits", MINUTE, None, "Worker process died"))
    assert report.failed
    on_purpose = replace(report, troubled=True)
    assert not on_purpose.failed
    assert "1 runs or symbols could not end well" in tables_of(on_purpose)


def test_books_that_do_not_agree_are_a_failure_whatever_else() -> None:
    report = Report(troubled=True, agreement=Agreement("1 orders"))
    assert not report.failed
    assert "agree with the exchange to the last digit" in tables_of(report)
    apart = Agreement("1 orders", ("BTC: 1 at the exchange, 2 in the books",))
    report = replace(report, agreement=apart)
    assert report.failed
    assert "BTC: 1 at the exchange" in tables_of(report)
    told = report.as_json()["agreement"]
    assert told["agree"] is False
