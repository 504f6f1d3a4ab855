"""The deployed stack: every job and call answers, wrong ones are refused, the switch switches."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crypto_ai_bot.local.functions import JOBS
from e2e.rig import TOKEN, Rig, events_of, sample_event, tick_event

pytestmark = pytest.mark.cloud

STATUS_WITH_TOKEN = {
    "api-health": {200, 503},
    "api-ready": {200, 503},
    "api-metrics": {200},
    "api-pnl-today": {200},
    "api-status": {200},
    "api-start": {200},
    "api-stop": {200},
}
OPEN = {"api-health", "api-ready"}


def test_there_is_a_sample_event_for_each_function() -> None:
    variables = {"env"}  # of sam local, beside the events that it goes with
    told = {"notify", "notify-alarm"}
    assert set(events_of("")) - variables == set(JOBS) | told | set(STATUS_WITH_TOKEN)


@pytest.mark.parametrize("job", JOBS)
def test_a_tick_ends_in_an_outcome(rig: Rig, job: str) -> None:
    at_ms = rig.next_minute()
    went_well, outcome = rig.invoke(job, tick_event(job, at_ms))
    assert went_well, outcome
    assert outcome["job"] == job
    assert outcome["ok"] is True
    assert outcome["mode"] == "paper"


@pytest.mark.parametrize("job", JOBS)
def test_a_run_logs_the_outcome_that_it_returned(rig: Rig, job: str) -> None:
    at_ms = rig.next_minute()
    _, outcome = rig.invoke(job, tick_event(job, at_ms))
    events = rig.cloud.client("logs").filter_log_events(logGroupName=rig.stack.log_group(job))
    lines = [
        json.loads(line)
        for event in events["events"]
        for line in event["message"].splitlines()
        if line.startswith("{")
    ]
    assert outcome in [line.get("outcome") for line in lines]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"job": "evaluate2"}, "job"),
        ({"scheduled_time": None}, "scheduled_time"),
        ({"scheduled_time": "yesterday"}, "scheduled_time"),
        ({"symbols": ["DOGE/USDT"]}, "DOGE/USDT"),
    ],
)
def test_a_wrong_event_is_one_clear_line_and_leaves_the_books_alone(
    rig: Rig, changes: dict[str, Any], named: str
) -> None:
    before = rig.items()
    went_well, answer = rig.invoke("evaluate", tick_event("evaluate", rig.next_minute(), **changes))
    assert not went_well
    assert named in answer["errorMessage"]
    assert "\n" not in answer["errorMessage"]
    assert rig.items() == before


def test_one_tick_delivered_three_times_at_once_makes_one_order(rig: Rig) -> None:
    """Each minute thrice, until one of them trades: the books then hold that one order."""
    for _ in range(240):
        event = tick_event("evaluate", rig.next_minute(), symbols=["BTC/USDT"])
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _, event=event: rig.invoke("evaluate", event), range(3)))
        assert all(went_well for went_well, _ in answers)
        made = [
            one["order"] for _, outcome in answers for one in outcome["symbols"] if one["order"]
        ]
        if made:
            break
    names = {order["client_order_id"] for order in made}
    assert len(names) == 1
    filled = [key for key in rig.items() if key[0] == "paper#PAPER" and key[1] != "ACCOUNT"]
    journaled = [key for key in rig.items() if key[1] == "ORDER"]
    assert len(filled) == len(journaled)
    assert [pk for pk, _ in journaled].count(f"paper#ORDER#{names.pop()}") == 1


@pytest.mark.parametrize("name", events_of("api-"))
def test_a_sample_call_is_answered_to_who_has_the_token_and_refused_to_others(
    rig: Rig, name: str
) -> None:
    event = sample_event(name)
    _, stranger = rig.invoke("api", event)
    event["headers"]["authorization"] = f"Bearer {TOKEN}"
    _, operator = rig.invoke("api", event)
    assert operator["statusCode"] in STATUS_WITH_TOKEN[name]
    assert stranger["statusCode"] in (STATUS_WITH_TOKEN[name] if name in OPEN else {401})


def test_the_api_answers_over_http(rig: Rig) -> None:
    rig.invoke("watchdog", tick_event("watchdog", rig.next_minute()))
    status, body = rig.call("GET", "/health")
    assert status in {200, 503}
    assert "checks" in json.loads(body)
    assert rig.call("GET", "/metrics")[0] == 401
    assert rig.call("GET", "/metrics", "wrong")[0] == 401
    assert rig.call("GET", "/metrics", TOKEN)[0] == 200
    assert rig.call("GET", "/no/such/path", TOKEN)[0] == 404


def test_a_stop_over_http_reaches_the_next_tick_and_a_start_ends_it(rig: Rig) -> None:
    assert rig.call("POST", "/orchestrator/stop", TOKEN)[0] == 200
    _, stopped = rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    assert rig.call("POST", "/orchestrator/start", TOKEN)[0] == 200
    _, started = rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    assert (stopped["trading_state"], started["trading_state"]) == ("exits_only", "on")


def test_the_schedules_stand_ready_with_what_the_handlers_expect(rig: Rig) -> None:
    """Evaluate has two: the symbols are in two shards."""
    scheduler = rig.cloud.client("scheduler")
    found = []
    for summary in scheduler.list_schedules()["Schedules"]:
        one = scheduler.get_schedule(Name=summary["Name"], GroupName=summary["GroupName"])
        assert (one["GroupName"], one["State"]) == ("crypto-ai-bot", "DISABLED")
        sent = json.loads(one["Target"]["Input"])
        found.append((sent["job"], sent.get("symbols")))
    shards = [("evaluate", ["BTC/USDT"]), ("evaluate", ["ETH/USDT"])]
    others = [(job, None) for job in (*JOBS, "notify") if job != "evaluate"]
    assert sorted(found, key=str) == sorted([*shards, *others], key=str)


def test_a_tick_without_symbols_is_of_those_of_all_shards(rig: Rig) -> None:
    _, outcome = rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    assert [one["symbol"] for one in outcome["symbols"]] == ["BTC/USDT", "ETH/USDT"]


def test_the_trading_parameter_reaches_the_next_tick_of_a_fresh_process(rig: Rig) -> None:
    """What a process has read it keeps for ten seconds; one that has failed is gone with it."""

    def state_after(value: str) -> str:
        rig.cloud.client("ssm").put_parameter(
            Name=rig.stack.trading_parameter, Value=value, Overwrite=True
        )
        went_well, _ = rig.invoke("evaluate", {"job": "none of ours"})
        assert not went_well
        _, outcome = rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
        found: str = outcome["trading_state"]
        return found

    assert [state_after(value) for value in ("exits_only", "off", "nonsense", "on")] == [
        "exits_only",
        "off",
        "exits_only",
        "on",
    ]
