from typing import Any

import pytest

from builders import BTC, ETH, NOON_MS
from crypto_ai_bot.domain.errors import BadEvent
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.runtime.tick import read_tick

GOOD = {"job": "evaluate", "scheduled_time": "2023-03-09T12:00:00Z", "execution_id": "e-1"}


def read(event: Any, fallback_ms: int | None = None) -> Tick:
    return read_tick(
        event,
        Job.EVALUATE,
        run_id="run-1",
        configured=(BTC, ETH),
        minute_if_unsubstituted_ms=fallback_ms,
    )


def test_the_slot_comes_from_the_event() -> None:
    tick = read(GOOD)
    assert tick.scheduled_ms == NOON_MS
    assert (tick.correlation_id, tick.run_id, tick.symbols) == ("e-1", "run-1", ())


@pytest.mark.parametrize(
    "text", ["2023-03-09T12:00:00+00:00", "2023-03-09T14:00:00+02:00", "2023-03-09T12:00:00.25Z"]
)
def test_every_way_to_write_the_same_second_is_the_same_slot(text: str) -> None:
    assert read({**GOOD, "scheduled_time": text}).scheduled_ms == NOON_MS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scheduled_time": None}, "scheduled_time was None"),
        ({"scheduled_time": 1678363200}, "RFC 3339"),
        ({"scheduled_time": "2023-03-09"}, "RFC 3339"),
        ({"scheduled_time": "2023-03-09T12:00:00"}, "RFC 3339"),
        ({"scheduled_time": "2023-13-09T12:00:00Z"}, "month must be in"),
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "RFC 3339"),
        ({"job": "exits"}, "job was 'exits', this function runs 'evaluate'"),
        ({"job": None}, "job was None"),
        ({"symbols": "BTC/USDT"}, "a list of symbols"),
        ({"symbols": []}, "a list of symbols"),
        ({"symbols": ["BTC"]}, "BASE/QUOTE"),
        ({"symbols": ["DOGE/USDT"]}, "DOGE/USDT not configured, allowed are BTC/USDT, ETH/USDT"),
    ],
)
def test_a_bad_event_has_one_line_that_says_what_and_what_is_allowed(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadEvent) as error:
        read({**GOOD, **changes})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("event", [None, [], "evaluate", 7])
def test_what_is_not_an_object_is_refused(event: Any) -> None:
    with pytest.raises(BadEvent, match="an object is needed"):
        read(event)


def test_on_the_embedded_cloud_an_unsubstituted_time_is_the_minute_now() -> None:
    event = {**GOOD, "scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert read(event, NOON_MS + 59_999).scheduled_ms == NOON_MS


def test_a_correlation_id_is_cut_to_what_a_log_field_can_carry() -> None:
    assert read({**GOOD, "execution_id": 'x"\n' + "y" * 99}).correlation_id == "x" + "y" * 63
    unsubstituted = {**GOOD, "execution_id": "<aws.scheduler.execution-id>"}
    assert read(unsubstituted).correlation_id == "run-1"
    assert read({**GOOD, "execution_id": None}).correlation_id == "run-1"


def test_a_shard_names_its_symbols_once_each() -> None:
    assert read({**GOOD, "symbols": ["eth/usdt", "ETH/USDT"]}).symbols == (ETH,)
