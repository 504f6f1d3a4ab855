"""Each job: its schedule, what happens to a tick that fails, its log, what it may do."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.runtime.tick import read_tick

JOBS = ("evaluate", "exits", "reconcile", "watchdog")
CRON = dict.fromkeys(JOBS, "cron(* * * * ? *)") | {"reconcile": "cron(0/5 * * * ? *)"}

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]


def test_the_schedules_are_those_of_the_four_jobs_and_no_more(of_type: OfType) -> None:
    assert set(of_type("AWS::Scheduler::Schedule")) == {
        f"{job.capitalize()}FunctionTick" for job in JOBS
    }


@pytest.mark.parametrize("job", JOBS)
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


@pytest.mark.parametrize("job", JOBS)
def test_two_stacks_in_one_account_do_not_share_a_schedule(of_type: OfType, job: str) -> None:
    schedule = of_type("AWS::Scheduler::Schedule")[f"{job.capitalize()}FunctionTick"]
    assert "Name" not in schedule
    assert schedule["GroupName"] == {"Ref": "ScheduleGroup"}


@pytest.mark.parametrize("job", JOBS)
def test_what_a_schedule_sends_is_read_by_the_handler(of_type: OfType, job: str) -> None:
    schedule = of_type("AWS::Scheduler::Schedule")[f"{job.capitalize()}FunctionTick"]
    substituted = (
        schedule["Target"]["Input"]
        .replace("<aws.scheduler.scheduled-time>", "2026-11-22T11:24:00Z")
        .replace("<aws.scheduler.execution-id>", "d32c5ddf")
        .replace("<aws.scheduler.attempt-number>", "1")
    )
    assert "<aws" not in substituted
    tick = read_tick(
        json.loads(substituted),
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


@pytest.mark.parametrize("job", JOBS)
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
        {"Fn::GetAtt": [f"{job.capitalize()}Function", "Arn"]} for job in JOBS
    ]
    assert dead_letter["Resource"] == {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}
