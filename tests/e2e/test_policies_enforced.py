"""With policies enforced: nothing that a function calls is missing, and nothing else is granted."""

import json
from collections.abc import Mapping
from urllib.parse import unquote

import pytest

from crypto_ai_bot.local.functions import JOBS
from e2e.rig import TOKEN, Rig, sample_event, tick_event

pytestmark = pytest.mark.cloud

# What Lambda does in a role's name, and the embedded cloud does by itself.
BY_THE_PLATFORM = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
# Journals check the state; on paper exits has to be watched for long until it sells. The test of
# policies and calls (tests/template) lives through all of it.
ON_THE_TABLE = {"dynamodb:ConditionCheckItem", "dynamodb:GetItem"}

type Allowed = Mapping[str, set[tuple[str, str]]]


def granted(rig: Rig) -> Allowed:
    """(action, resource) of each function's role, as the stack has made it."""
    iam, found = rig.cloud.client("iam"), {}
    for function in (*JOBS, "api", "notify"):
        configuration = rig.cloud.client("lambda").get_function_configuration(
            FunctionName=rig.stack.function(function)
        )
        role = configuration["Role"].rpartition("/")[2]
        [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        read = json.loads(unquote(document)) if isinstance(document, str) else document
        found[role] = {
            (action, one["Resource"])
            for one in read["Statement"]
            for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        }
    return found


def test_each_policy_is_what_its_function_was_seen_to_call(rig: Rig) -> None:
    rig.asked_of_policies()  # by other tests, perhaps of another table
    for function in (*JOBS, "api", "notify"):
        assert not rig.invoke(function, "no event")[0]  # a new process asks for everything
    for _ in range(2):
        for job in JOBS:
            went_well, outcome = rig.invoke(job, tick_event(job, rig.next_minute()))
            assert went_well, outcome
    for path in ("/ready", "/metrics"):
        assert rig.call("GET", path, TOKEN)[0] == 200
    assert rig.call("POST", "/orchestrator/stop", TOKEN)[0] == 200
    assert rig.call("POST", "/orchestrator/start", TOKEN)[0] == 200
    for event in ("notify", "notify-alarm"):
        went_well, outcome = rig.invoke("notify", sample_event(event))
        assert went_well, outcome
    allowed, asked = granted(rig), rig.asked_of_policies()
    for role, grants in allowed.items():
        seen = {(action, thing) for who, action, thing in asked if who == role}
        assert seen <= grants, role
        spare = {action for action, _ in grants - seen}
        assert spare <= BY_THE_PLATFORM | ON_THE_TABLE, role


def test_what_a_policy_does_not_grant_is_refused(rig: Rig) -> None:
    """The rig would show nothing if it let everything through."""
    iam = rig.cloud.client("iam")
    configuration = rig.cloud.client("lambda").get_function_configuration(
        FunctionName=rig.stack.function("watchdog")
    )
    role = configuration["Role"].rpartition("/")[2]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    nothing = {
        "Effect": "Allow",
        "Action": "sts:GetCallerIdentity",
        "Resource": "arn:aws:sts:::none",
    }
    bare = json.dumps({"Version": "2012-10-17", "Statement": [nothing]})
    try:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=bare)
        went_well, answer = rig.invoke("watchdog", tick_event("watchdog", rig.next_minute()))
        assert not went_well
        assert "AccessDenied" in answer["errorMessage"]
    finally:
        before = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=unquote(before))
