from hypothesis import given
from hypothesis import strategies as st

from crypto_ai_bot.domain.circuit import FAILURES_TO_OPEN, OPEN_FOR_MS, Circuit


def failing(times: int, at_ms: int = 1_000) -> Circuit:
    circuit = Circuit()
    for _ in range(times):
        circuit = circuit.after_failure(at_ms)
    return circuit


def test_a_few_failures_hold_nothing_back() -> None:
    assert failing(FAILURES_TO_OPEN - 1).objection(1_000) == ""


def test_the_third_failure_in_a_row_opens_it_for_a_minute() -> None:
    circuit = failing(FAILURES_TO_OPEN)
    assert circuit.objection(1_000) == "3 requests in a row had no answer, entries wait 60 s"
    assert circuit.objection(1_000 + OPEN_FOR_MS - 1).endswith("wait 1 s")
    assert circuit.objection(1_000 + OPEN_FOR_MS) == ""


@given(st.integers(1, OPEN_FOR_MS))
def test_the_seconds_it_tells_are_what_is_left_of_the_minute_rounded_up(left_ms: int) -> None:
    told = failing(FAILURES_TO_OPEN).objection(1_000 + OPEN_FOR_MS - left_ms)
    assert told.endswith(f"wait {(left_ms + 999) // 1_000} s")


def test_one_that_asks_after_the_minute_and_fails_opens_it_again() -> None:
    circuit = failing(FAILURES_TO_OPEN).after_failure(1_000 + OPEN_FOR_MS)
    assert circuit.objection(1_000 + OPEN_FOR_MS)


@given(st.integers(0, 10), st.integers(0, FAILURES_TO_OPEN - 1))
def test_any_answer_closes_it_and_starts_the_count_anew(before: int, after: int) -> None:
    circuit = failing(before).after_answer()
    for _ in range(after):
        circuit = circuit.after_failure(1_000)
    assert circuit.objection(1_000) == ""
