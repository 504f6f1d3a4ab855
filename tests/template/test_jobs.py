"""Each job: its schedule, what happens to a tick that fails, its log, what it may do."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.runtime.tick import read_tick
from crypto_ai_bot.usecases.notify import LEASE_MS

JOBS = ("evaluate", "exits", "reconcile", "watchdog")
FIRED = (*JOBS, "notify")
SHARDS = ("2", "3", "4")
CRON = dict.fromkeys(FIRED, "cron(* * * * ? *)") | {"reconcile": "cron(0/5 * * * ? *)"}

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]


def substituted(text: str) -> str:
    """A schedule's input as the scheduler sends it."""
    sent = (
        text.replace("<aws.scheduler.scheduled-time>", "2026-11-22T11:24:00Z")
        .replace("<aws.scheduler.execution-id>", "d32c5ddf")
        .replace("<aws.scheduler.attempt-number>", "1")
    )
    assert "<aws" not in sent
    return sent


def test_the_schedules_are_those_of_the_jobs_and_of_the_shards(of_type: OfType) -> None:
    assert set(of_type("AWS::Scheduler::Schedule")) == {
        *(f"{job.capitalize()}FunctionTick" for job in FIRED),
        *(f"EvaluateShard{number}Tick" for number in SHARDS),
    }


@pytest.mark.parametrize("job", FIRED)
def test_a_schedule_fires_once_and_does_not_try_again(of_type: OfType, job: str) -> None:
    schedule = of_type("AWS::Scheduler::Schedule")[f"{job.capitalize()}FunctionTick"]
    target = schedule["Target"]
    assert schedule["ScheduleExpression"] == CRON[job]
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["State"] == {"Ref": "SchedulesState"}
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}}
    assert target["Arn"] == {"Fn::GetAtt": [f"{job.capitalize()}Function", "Arn"]}
    assert target["RoleArn"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}


@pytest.mark.parametrize("number", SHARDS)
def test_a_shard_is_a_schedule_like_that_of_evaluate_with_its_own_symbols(
    of_type: OfType, resources: Mapping[str, Mapping[str, Any]], number: str
) -> None:
    name = f"EvaluateShard{number}Tick"
    shard, first = (
        of_type("AWS::Scheduler::Schedule")[one] for one in (name, "EvaluateFunctionTick")
    )
    assert resources[name]["Condition"] == f"HasShard{number}Symbols"
    target = {**first["Target"], "Input": shard["Target"]["Input"]}
    assert dict(shard) == {**first, "Target": target}


@pytest.mark.parametrize("number", ["", *SHARDS])
def test_what_a_shard_sends_is_read_as_its_symbols(of_type: OfType, number: str) -> None:
    schedules = of_type("AWS::Scheduler::Schedule")
    if number:
        text, lists = schedules[f"EvaluateShard{number}Tick"]["Target"]["Input"]["Fn::Sub"]
        symbols = f"Shard{number}Symbols"
    else:
        condition, sharded, _ = schedules["EvaluateFunctionTick"]["Target"]["Input"]["Fn::If"]
        assert condition == "HasShards"
        (text, lists), symbols = sharded["Fn::Sub"], "Symbols"
    split = {"Fn::Split": [",", {"Ref": symbols}]}
    assert lists == {"List": {"Fn::Join": ['", "', split]}}
    joined = 'BTC/USDT", "ETH/USDT'
    tick = read_tick(
        json.loads(substituted(text).replace("${List}", joined)),
        Job.EVALUATE,
        run_id="run",
        configured=(Symbol("BTC", "USDT"), Symbol("ETH", "USDT")),
        minute_if_unsubstituted_ms=None,
    )
    assert list(map(str, tick.symbols)) == ["BTC/USDT", "ETH/USDT"]


@pytest.mark.parametrize("job", FIRED)
def test_two_stacks_in_one_account_do_not_share_a_schedule(of_type: OfType, job: str) -> None:
    schedule = of_type("AWS::Scheduler::Schedule")[f"{job.capitalize()}FunctionTick"]
    assert "Name" not in schedule
    assert schedule["GroupName"] == {"Ref": "ScheduleGroup"}


@pytest.mark.parametrize("job", JOBS)
def test_what_a_schedule_sends_is_read_by_the_handler(of_type: OfType, job: str) -> None:
    schedule = of_type("AWS::Scheduler::Schedule")[f"{job.capitalize()}FunctionTick"]
    sent = schedule["Target"]["Input"]
    text = substituted(sent["Fn::If"][2] if isinstance(sent, dict) else sent)
    tick = read_tick(
        json.loads(text),
        Job(job),
        run_id="run",
        configured=(),
        minute_if_unsubstituted_ms=None,
    )
    assert (tick.scheduled_ms, tick.correlation_id) == (1795346640000, "d32c5ddf")


@pytest.mark.parametrize("job", JOBS)
def test_a_run_that_fails_is_not_repeated_but_kept_for_a_person(of_type: OfType, job: str) -> None:
    config = of_type("AWS::Lambda::EventInvokeConfig")[
        f"{job.capitalize()}FunctionEventInvokeConfig"
    ]
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] == 60
    failed = {"Destination": {"Fn::GetAtt": ["FailedRuns", "Arn"]}}
    assert config["DestinationConfig"]["OnFailure"] == failed


def test_what_is_to_be_told_is_tried_again_and_then_kept_for_a_person(of_type: OfType) -> None:
    """A topic delivers once; the outbox's own tick does no harm when it is repeated."""
    config = of_type("AWS::Lambda::EventInvokeConfig")["NotifyFunctionEventInvokeConfig"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 3600)
    failed = {"Destination": {"Fn::GetAtt": ["FailedRuns", "Arn"]}}
    assert config["DestinationConfig"]["OnFailure"] == failed


@pytest.mark.parametrize("job", FIRED)
def test_a_run_ends_before_the_next_tick(of_type: OfType, job: str) -> None:
    assert of_type("AWS::Lambda::Function")[f"{job.capitalize()}Function"]["Timeout"] < 60


def test_the_scheduler_may_start_the_jobs_and_only_for_this_account(of_type: OfType) -> None:
    role = of_type("AWS::IAM::Role")["ScheduleRole"]
    trust = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust[0]["Condition"]["StringEquals"] == {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"},
        "aws:SourceArn": {"Fn::GetAtt": ["ScheduleGroup", "Arn"]},
    }
    invoke, dead_letter = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert invoke["Action"] == "lambda:InvokeFunction"
    assert invoke["Resource"] == [
        {"Fn::GetAtt": [f"{job.capitalize()}Function", "Arn"]} for job in FIRED
    ]
    assert dead_letter["Resource"] == {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}


def test_notify_ends_before_its_lease_of_the_outbox(of_type: OfType) -> None:
    timeout_ms = of_type("AWS::Lambda::Function")["NotifyFunction"]["Timeout"] * 1_000
    assert timeout_ms < LEASE_MS
