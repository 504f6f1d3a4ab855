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
    "TABLE_NAME": {
        "Fn::If": ["HasRestoredTableName", {"Ref": "RestoredTableName"}, {"Ref": "StateTable"}]
    },
    "TRADING_PARAMETER": {"Ref": "TradingParameter"},
    "DEPLOYMENT_ID": {"Ref": "AWS::StackId"},
}
# Not variables: they shape the stack.
OF_THE_STACK = {
    "SchedulesState",
    "Architecture",
    "DeletionProtection",
    "LogRetentionDays",
    "Shard2Symbols",
    "Shard3Symbols",
    "Shard4Symbols",
    "RestoredTableName",
    "AlarmEmail",
    "WakeEmail",
    "AlarmSet",
    "Dashboard",
}
NOTIFY_ALONE = {"TELL_TOPIC", "WEBHOOK_PARAMETER"}
SHARDS = [
    {"Fn::If": [f"HasShard{n}Symbols", {"Ref": f"Shard{n}Symbols"}, {"Ref": "AWS::NoValue"}]}
    for n in (2, 3, 4)
]
SYMBOLS = {"Fn::Join": [",", [{"Ref": "Symbols"}, *SHARDS]]}  # all that any schedule names
CONTRACT = """MODE SANDBOX EXCHANGE SYMBOL SYMBOLS FIXED_AMOUNT PRICE_FEED FIXED_PRICE
RISK_COOLDOWN_SEC RISK_MAX_SPREAD_PCT RISK_MAX_POSITION_BASE RISK_MAX_ORDERS_PER_HOUR
RISK_DAILY_LOSS_LIMIT_QUOTE IDEMPOTENCY_BUCKET_MS IDEMPOTENCY_TTL_SEC EVAL_INTERVAL_SEC
EXITS_INTERVAL_SEC RECONCILE_INTERVAL_SEC WATCHDOG_INTERVAL_SEC DMS_TIMEOUT_MS
BACKUP_RETENTION_DAYS LOG_LEVEL CREDENTIALS_PARAMETER EXCHANGE_URL
ORDER_SLIPPAGE_PCT UNIFIED_ACCOUNT EXCHANGE_STOP"""
SECRET = re.compile(r"API_KEY(?!_CREATED)|API_SECRET|SECRETS_FILE|API_TOKEN(?!_PARAMETER)")

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]


@pytest.fixture
def variables(of_type: OfType) -> Mapping[str, Any]:
    every = {
        name: function["Environment"]["Variables"]
        for name, function in of_type("AWS::Lambda::Function").items()
    }
    shared, notify = every["EvaluateFunction"], every.pop("NotifyFunction")
    assert all(one == shared for one in every.values())
    assert set(notify) == set(shared) | NOTIFY_ALONE
    assert shared.items() <= notify.items()
    return {**shared, "WEBHOOK_PARAMETER": notify["WEBHOOK_PARAMETER"]}


def test_every_variable_of_the_contract_is_there_and_no_secret(
    variables: Mapping[str, Any],
) -> None:
    assert set(CONTRACT.split()) | set(ALWAYS) <= set(variables)
    assert not [name for name in variables if SECRET.match(name)]


def test_each_variable_is_one_parameter_and_empty_ones_are_not_passed(
    variables: Mapping[str, Any], source: Mapping[str, Any]
) -> None:
    for name, value in variables.items():
        parameter = parameter_name(name)
        if name in ALWAYS:
            assert value == ALWAYS[name]
        elif source["Parameters"][parameter].get("Default") == "":
            no_value = {"Ref": "AWS::NoValue"}
            given = {"Ref": parameter} if name != "SYMBOLS" else SYMBOLS
            assert value == {"Fn::If": [f"Has{parameter}", given, no_value]}
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


def holds(expression: Any, chosen: Mapping[str, str]) -> Any:
    """A rule's expression with these parameters, as CloudFormation evaluates it."""
    if not isinstance(expression, dict):
        return expression
    [(function, operands)] = expression.items()
    if function == "Ref":
        return chosen[operands]
    values = [holds(one, chosen) for one in operands]
    known: dict[str, Callable[[], bool]] = {
        "Fn::Equals": lambda: bool(values[0] == values[1]),
        "Fn::Not": lambda: not values[0],
        "Fn::And": lambda: all(values),
    }
    return known[function]()


def refusals(source: Mapping[str, Any], chosen: Mapping[str, str]) -> list[str]:
    """What the rules say of these parameters, the others by default."""
    every = {name: str(body["Default"]) for name, body in source["Parameters"].items()}
    every |= chosen
    return [
        one["AssertDescription"]
        for rule in source["Rules"].values()
        if holds(rule["RuleCondition"], every)
        for one in rule["Assertions"]
        if not holds(one["Assert"], every)
    ]


LIVE = {
    "Mode": "live",
    "CredentialsParameter": "/key",
    "FixedAmount": "50",
    "AlarmEmail": "me@example.org",
}
ALLOWED: dict[str, dict[str, str]] = {
    "the defaults": {},
    "live": LIVE,
    "the test network, unwatched": LIVE | {"Sandbox": "1", "AlarmEmail": ""},
    "a rehearsal of live": LIVE
    | {"ExchangeUrl": "http://127.0.0.1:1/api", "DeletionProtection": "false", "AlarmEmail": ""},
    "fixed prices on paper": {"PriceFeed": "fixed", "FixedPrice": "1"},
    "shards": {"Symbols": "BTC/USDT", "Shard2Symbols": "ETH/USDT"},
}
REFUSED: dict[str, dict[str, str]] = {
    "needs CredentialsParameter": LIVE | {"CredentialsParameter": ""},
    "needs FixedAmount": LIVE | {"FixedAmount": ""},
    "needs AlarmEmail": LIVE | {"AlarmEmail": ""},
    "needs DeletionProtection=true": LIVE | {"DeletionProtection": "false"},
    "Sandbox=1 goes with Mode=live": {"Sandbox": "1"},
    "PriceFeed=fixed goes with Mode=paper": LIVE | {"PriceFeed": "fixed", "FixedPrice": "1"},
    "PriceFeed=fixed needs FixedPrice": {"PriceFeed": "fixed"},
    "Shards need Symbols": {"Shard3Symbols": "ETH/USDT"},
}


@pytest.mark.parametrize("chosen", ALLOWED.values(), ids=ALLOWED)
def test_what_makes_sense_is_let_through(
    source: Mapping[str, Any], chosen: Mapping[str, str]
) -> None:
    assert refusals(source, chosen) == []


@pytest.mark.parametrize(("said", "chosen"), REFUSED.items(), ids=REFUSED)
def test_nonsense_is_refused_before_anything_is_made(
    source: Mapping[str, Any], said: str, chosen: Mapping[str, str]
) -> None:
    [refusal] = refusals(source, chosen)
    assert said in refusal


def test_each_rule_refuses_something(source: Mapping[str, Any]) -> None:
    every = [one for rule in source["Rules"].values() for one in rule["Assertions"]]
    assert len(every) == len(REFUSED)


def test_samconfig_sets_what_the_template_has(source: Mapping[str, Any]) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    environments = {name for name in config if name != "version"}
    assert environments == {"default", "paper", "live-sandbox", "live", "local"}
    for part in ("global", "deploy"):
        assert config["paper"][part] == config["default"][part]
    for name in environments:
        overrides = config[name]["deploy"]["parameters"].get("parameter_overrides", [])
        for override in overrides:
            parameter, _, value = override.partition("=")
            body = source["Parameters"][parameter]
            assert value in body.get("AllowedValues", [value])
            assert re.fullmatch(body.get("AllowedPattern", ".*"), value)
            assert "=" in override
