"""The table, the switch, the queues, the API, and what the stack tells about itself."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.storage.actions import INDEX_KEY, INDEX_NAME, INDEX_TIME

FUNCTIONS = ("Evaluate", "Exits", "Reconcile", "Watchdog", "Api", "Notify")

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]
type Resources = Mapping[str, Mapping[str, Any]]


def test_the_table_has_the_keys_and_the_index_that_the_storage_asks_for(of_type: OfType) -> None:
    table = of_type("AWS::DynamoDB::Table")["StateTable"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    [index] = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == INDEX_NAME
    assert [key["AttributeName"] for key in index["KeySchema"]] == [INDEX_KEY, INDEX_TIME]
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    assert types == {"pk": "S", "sk": "S", INDEX_KEY: "S", INDEX_TIME: "N"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_table_survives_the_stack_and_a_mistake(resources: Resources, of_type: OfType) -> None:
    table = of_type("AWS::DynamoDB::Table")["StateTable"]
    assert resources["StateTable"]["DeletionPolicy"] == "Retain"
    assert resources["StateTable"]["UpdateReplacePolicy"] == "Retain"
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProtected", True, False]}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "TableName" not in table  # a retained table with a fixed name blocks the next stack


def test_the_switch_takes_the_three_states_and_opens_only_on_paper(of_type: OfType) -> None:
    switch = of_type("AWS::SSM::Parameter")["TradingParameter"]
    assert switch["Value"] == {"Fn::If": ["IsLive", "exits_only", "on"]}
    assert switch["Type"] == "String"
    allowed = re.compile(switch["AllowedPattern"])
    assert all(allowed.fullmatch(state) for state in TradingState)
    assert not allowed.search("one")


def test_what_went_wrong_is_kept_for_two_weeks(of_type: OfType) -> None:
    queues = of_type("AWS::SQS::Queue")
    assert set(queues) == {"ScheduleDeadLetters", "FailedRuns"}
    assert {queue["MessageRetentionPeriod"] for queue in queues.values()} == {14 * 86_400}


def test_every_path_of_the_api_reaches_its_function_and_is_throttled(of_type: OfType) -> None:
    [route] = of_type("AWS::ApiGatewayV2::Route").values()
    [integration] = of_type("AWS::ApiGatewayV2::Integration").values()
    [stage] = of_type("AWS::ApiGatewayV2::Stage").values()
    assert route["RouteKey"] == "$default"
    assert route["Target"] == {"Fn::Sub": "integrations/${ApiIntegration}"}
    assert integration["IntegrationUri"] == {"Fn::GetAtt": ["ApiFunction", "Arn"]}
    assert integration["PayloadFormatVersion"] == "2.0"
    assert stage["StageName"] == "$default"
    assert stage["AutoDeploy"] is True
    assert 0 < stage["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 10
    assert 0 < stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] <= 20


def test_only_this_api_may_call_the_function(of_type: OfType) -> None:
    permission = of_type("AWS::Lambda::Permission")["ApiPermission"]
    assert permission["FunctionName"] == {"Ref": "ApiFunction"}
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert "${HttpApi}" in permission["SourceArn"]["Fn::Sub"]


@pytest.mark.parametrize("topic", ["Tell", "Wake"])
def test_a_topic_reaches_e_mail_and_chat_where_they_are_named(
    of_type: OfType, resources: Resources, topic: str
) -> None:
    named = {
        f"{topic}ByEmail": ("HasAlarmEmail", "email", {"Ref": "AlarmEmail"}),
        f"{topic}ByChat": (
            "HasWebhookParameter",
            "lambda",
            {"Fn::GetAtt": ["NotifyFunction", "Arn"]},
        ),
    }
    if topic == "Wake":
        named["WakeByPager"] = ("HasWakeEmail", "email", {"Ref": "WakeEmail"})
    found = {
        name: (resources[name]["Condition"], body["Protocol"], body["Endpoint"])
        for name, body in of_type("AWS::SNS::Subscription").items()
        if body["TopicArn"] == {"Ref": f"{topic}Topic"}
    }
    assert found == named
    permission = of_type("AWS::Lambda::Permission")[f"{topic}Permission"]
    assert permission["FunctionName"] == {"Ref": "NotifyFunction"}
    assert permission["SourceArn"] == {"Ref": f"{topic}Topic"}


def test_the_stack_tells_what_the_operator_needs(source: Mapping[str, Any]) -> None:
    assert set(source["Outputs"]) == {
        "ApiUrl",
        "ApiId",
        "TableName",
        "TradingParameterName",
        "TellTopicArn",
        "WakeTopicArn",
        "FailedRunsUrl",
        "ScheduleDeadLettersUrl",
        *(f"{name}FunctionName" for name in FUNCTIONS),
    }


def test_nothing_costs_by_the_hour(of_type: OfType, resources: Resources) -> None:
    dear = ("AWS::EC2::", "AWS::RDS::", "AWS::SecretsManager::", "AWS::KMS::Key")
    assert not [body["Type"] for body in resources.values() if body["Type"].startswith(dear)]
    for function in of_type("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in function
        assert "VpcConfig" not in function
        assert "SnapStart" not in function
