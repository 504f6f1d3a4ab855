"""What every function has, and what each may do."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from template.policies import INDEX, TABLE

NAMES = ("Evaluate", "Exits", "Reconcile", "Watchdog", "Api", "Notify")
JOBS = NAMES[:4]
NAMED = ("CredentialsParameter", "ApiTokenParameter", "LockTableName", "WebhookParameter")

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]


def statements(of_type: OfType, name: str) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """(condition, statement) of a function's role."""
    role = of_type("AWS::IAM::Role")[f"{name}Role"]
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            if "Fn::If" in statement:
                condition, yes, no = statement["Fn::If"]
                assert no == {"Ref": "AWS::NoValue"}
                yield condition, yes
            else:
                yield None, statement


def actions(statement: Mapping[str, Any]) -> set[str]:
    found = statement["Action"]
    return {found} if isinstance(found, str) else set(found)


def allowed_on(of_type: OfType, name: str, resource: object) -> set[str]:
    found: set[str] = set()
    for _, statement in statements(of_type, name):
        if statement["Resource"] == resource:
            found |= actions(statement)
    return found


def parameter_arn(name: str) -> dict[str, str]:
    start = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"
    return {"Fn::Sub": f"{start}${{{name}}}"}


def test_the_functions_are_those_of_the_contract(of_type: OfType) -> None:
    assert set(of_type("AWS::Lambda::Function")) == {f"{name}Function" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_function_runs_the_shared_layers_on_the_chosen_processor(
    of_type: OfType, name: str
) -> None:
    function = of_type("AWS::Lambda::Function")[f"{name}Function"]
    assert function["Runtime"] == "python3.13"
    assert function["Handler"] == "app.handler"
    assert function["Architectures"] == [{"Ref": "Architecture"}]
    layers = [layer["Ref"] for layer in function["Layers"]]
    assert [layer.rstrip("0123456789abcdef") for layer in layers] == [
        "DependenciesLayer",
        "TradingLayer",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_logs_go_to_a_group_that_forgets(of_type: OfType, name: str) -> None:
    function = of_type("AWS::Lambda::Function")[f"{name}Function"]
    group = of_type("AWS::Logs::LogGroup")[f"{name}LogGroup"]
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}LogGroup"}}
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert allowed_on(of_type, name, {"Fn::GetAtt": [f"{name}LogGroup", "Arn"]}) == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


@pytest.mark.parametrize("name", JOBS)
def test_a_job_may_read_and_write_the_table_item_by_item(of_type: OfType, name: str) -> None:
    """Whoever places orders checks the trading state in the same transaction."""
    checks = set() if name == "Reconcile" else {"dynamodb:ConditionCheckItem"}
    reads_and_writes = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"}
    assert allowed_on(of_type, name, TABLE) == reads_and_writes | checks


def test_the_api_may_read_the_table_and_put_the_state_item(of_type: OfType) -> None:
    assert allowed_on(of_type, "Api", TABLE) == {"dynamodb:Query", "dynamodb:PutItem"}


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("Evaluate", set()),
        ("Exits", set()),
        ("Reconcile", set()),
        ("Watchdog", {"dynamodb:Query"}),
        ("Api", set()),
        ("Notify", {"dynamodb:Query"}),
    ],
)
def test_only_who_looks_for_unresolved_orders_or_events_may_read_the_index(
    of_type: OfType, name: str, index: set[str]
) -> None:
    assert allowed_on(of_type, name, INDEX) == index


@pytest.mark.parametrize("name", NAMES)
def test_whoever_trades_or_shows_reads_the_switch(of_type: OfType, name: str) -> None:
    allowed = set() if name == "Notify" else {"ssm:GetParameter"}
    assert allowed_on(of_type, name, parameter_arn("TradingParameter")) == allowed


def test_the_exchange_key_is_for_the_jobs_and_the_token_for_the_api(of_type: OfType) -> None:
    key, token = parameter_arn("CredentialsParameter"), parameter_arn("ApiTokenParameter")
    for name in JOBS:
        assert allowed_on(of_type, name, key) == {"ssm:GetParameter"}
        assert allowed_on(of_type, name, token) == set()
    webhook = parameter_arn("WebhookParameter")
    assert allowed_on(of_type, "Api", key) == set()
    assert allowed_on(of_type, "Api", token) == {"ssm:GetParameter"}
    assert allowed_on(of_type, "Notify", key) | allowed_on(of_type, "Notify", token) == set()
    assert [name for name in NAMES if allowed_on(of_type, name, webhook)] == ["Notify"]


def test_notify_may_tell_and_touch_single_items_and_nothing_of_trading(of_type: OfType) -> None:
    assert allowed_on(of_type, "Notify", {"Ref": "TellTopic"}) == {"sns:Publish"}
    assert allowed_on(of_type, "Notify", TABLE) == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:ConditionCheckItem",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_on_a_thing_that_is_not_named_is_left_out(of_type: OfType, name: str) -> None:
    for condition, statement in statements(of_type, name):
        named = [word for word in NAMED if f"${{{word}}}" in str(statement["Resource"])]
        assert condition == (f"Has{named[0]}" if named else None)


def test_no_role_has_a_wildcard_or_a_policy_of_somebody_else(of_type: OfType) -> None:
    for role in of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                plain = statement["Fn::If"][1] if "Fn::If" in statement else statement
                assert plain["Effect"] == "Allow"
                assert "*" not in str(plain["Action"])
                assert "*" not in str(plain["Resource"])


@pytest.mark.parametrize("name", [*JOBS, "Notify"])
def test_a_job_may_leave_a_failed_run_for_a_person(of_type: OfType, name: str) -> None:
    assert allowed_on(of_type, name, {"Fn::GetAtt": ["FailedRuns", "Arn"]}) == {"sqs:SendMessage"}
