"""What an operator may set reaches the functions, and what is not set does not."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.local.parameters import parameter_name

ROOT = Path(__file__).parents[2]
ALWAYS = {
    "TABLE_NAME": "StateTable",
    "TRADING_PARAMETER": "TradingParameter",
    "DEPLOYMENT_ID": "AWS::StackId",
}
# Not variables: they shape the stack.
OF_THE_STACK = {"SchedulesState", "Architecture", "DeletionProtection", "LogRetentionDays"}
CONTRACT = """MODE SANDBOX EXCHANGE SYMBOL SYMBOLS FIXED_AMOUNT PRICE_FEED FIXED_PRICE
RISK_COOLDOWN_SEC RISK_MAX_SPREAD_PCT RISK_MAX_POSITION_BASE RISK_MAX_ORDERS_PER_HOUR
RISK_DAILY_LOSS_LIMIT_QUOTE IDEMPOTENCY_BUCKET_MS IDEMPOTENCY_TTL_SEC EVAL_INTERVAL_SEC
EXITS_INTERVAL_SEC RECONCILE_INTERVAL_SEC WATCHDOG_INTERVAL_SEC DMS_TIMEOUT_MS
BACKUP_RETENTION_DAYS LOG_LEVEL CREDENTIALS_PARAMETER EXCHANGE_URL
ORDER_SLIPPAGE_PCT UNIFIED_ACCOUNT EXCHANGE_STOP"""
NEEDED_IN_LIVE = ("CredentialsParameter", "FixedAmount")
SECRET = re.compile(r"API_KEY(?!_CREATED)|API_SECRET|SECRETS_FILE|API_TOKEN(?!_PARAMETER)")

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]


@pytest.fixture
def variables(of_type: OfType) -> Mapping[str, Any]:
    every = [
        function["Environment"]["Variables"]
        for function in of_type("AWS::Lambda::Function").values()
    ]
    assert all(one == every[0] for one in every)
    return every[0]


def test_every_variable_of_the_contract_is_there_and_no_secret(
    variables: Mapping[str, Any],
) -> None:
    assert set(CONTRACT.split()) | set(ALWAYS) <= set(variables)
    assert not [name for name in variables if SECRET.match(name)]


def test_each_variable_is_one_parameter_and_empty_ones_are_not_passed(
    variables: Mapping[str, Any], source: Mapping[str, Any]
) -> None:
    for name, value in variables.items():
        parameter = ALWAYS.get(name) or parameter_name(name)
        if name not in ALWAYS and source["Parameters"][parameter].get("Default") == "":
            no_value = {"Ref": "AWS::NoValue"}
            assert value == {"Fn::If": [f"Has{parameter}", {"Ref": parameter}, no_value]}
            empty = {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
            assert source["Conditions"][f"Has{parameter}"] == empty
        else:
            assert value == {"Ref": parameter}


def test_each_parameter_is_a_variable_or_shapes_the_stack(
    variables: Mapping[str, Any], source: Mapping[str, Any]
) -> None:
    passed = {parameter_name(name) for name in variables if name not in ALWAYS}
    assert set(source["Parameters"]) == passed | OF_THE_STACK


def test_each_default_is_allowed(source: Mapping[str, Any]) -> None:
    for name, body in source["Parameters"].items():
        default = body["Default"]
        assert default in body.get("AllowedValues", [default]), name
        assert re.fullmatch(body.get("AllowedPattern", ".*"), str(default)), name


def test_live_without_its_key_or_its_amount_is_refused_before_anything_is_made(
    source: Mapping[str, Any],
) -> None:
    [rule] = source["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Mode"}, "live"]}
    needed = [{"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} for name in NEEDED_IN_LIVE]
    assert [one["Assert"] for one in rule["Assertions"]] == needed


def test_samconfig_sets_what_the_template_has(source: Mapping[str, Any]) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    environments = {name for name in config if name != "version"}
    assert environments == {"default", "live-sandbox", "live", "local"}
    for name in environments:
        overrides = config[name]["deploy"]["parameters"].get("parameter_overrides", [])
        for override in overrides:
            parameter, _, value = override.partition("=")
            body = source["Parameters"][parameter]
            assert value in body.get("AllowedValues", [value])
            assert re.fullmatch(body.get("AllowedPattern", ".*"), value)
            assert "=" in override
