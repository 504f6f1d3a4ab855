"""Every variable, its default, and the one line that each wrong value gets."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import TIMEFRAMES_MS, Symbol
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.runtime import notify_settings
from crypto_ai_bot.runtime.env_file import read_env_file
from crypto_ai_bot.runtime.secrets import VARIABLES
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.strategies import registry

EXAMPLE = Path(__file__).parents[3] / ".env.example"
KEYS = {"API_KEY": "k" * 32, "API_SECRET": "s" * 64}
SWITCH = {"TRADING_PARAMETER": "/cab/trading"}
LIVE = {"MODE": "live", "FIXED_AMOUNT": "50", **SWITCH, **KEYS}


def settings(**environ: str) -> Settings:
    return Settings.from_environment(environ)


def refusal(**environ: str) -> list[str]:
    with pytest.raises(BadSetting) as caught:
        Settings.from_environment(environ)
    assert caught.value.__cause__ is None
    return str(caught.value).split("\n")


def test_nothing_set_is_a_paper_deployment() -> None:
    found = settings()
    assert (found.mode, found.account_name, found.deployment_tag) == ("paper", "paper", "paper")
    assert found.symbols == (Symbol("BTC", "USDT"),)
    assert found.fixed_amount == 100
    assert found.stop_rules == StopRules(hard_pct=5.0)
    assert (found.exchange_id, found.service) == ("gate", "crypto-ai-bot-paper")
    assert found.idempotency_bucket_ms == found.exits_interval_sec * 1_000


def test_the_example_lists_every_variable_with_its_default_and_no_other() -> None:
    example = read_env_file(EXAMPLE)
    assert set(example) == {*Settings.variables(), *VARIABLES, *notify_settings.VARIABLES}
    assert Settings.from_environment(example) == settings()
    derived = {"FIXED_AMOUNT", "FIXED_PRICE", "DEPLOYMENT_TAG", "LOCK_TABLE_NAME", "SYMBOLS"}
    derived |= {"DEPLOYMENT_ID"}
    off = {
        "API_KEY_CREATED",
        "EXCHANGE_URL",
        "TAKE_PROFIT_STEPS",
        "AWS_ENDPOINT_URL",
        "TRADING_PARAMETER",
    }
    empty = {name for name, value in example.items() if not value}
    assert empty == derived | off | set(VARIABLES) | set(notify_settings.VARIABLES)


def test_the_example_says_what_each_variable_means() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"[A-Z_]+=", line) and not line.startswith(("API_SECRET", "API_TOKEN_")):
            assert before.startswith("# "), line


def test_a_live_deployment_says_so_in_its_orders() -> None:
    assert Settings.from_environment(LIVE).deployment_tag == "live"
    assert Settings.from_environment({**LIVE, "SANDBOX": "1"}).account_name == "sandbox"
    assert Settings.from_environment({**LIVE, "DEPLOYMENT_TAG": "eu1"}).deployment_tag == "eu1"


def test_an_empty_variable_is_not_set_and_blanks_around_a_value_are_none() -> None:
    assert settings(MODE="", FIXED_AMOUNT="  ", STRATEGY="") == settings()
    assert settings(FIXED_AMOUNT=" 25 \n").fixed_amount == 25


def test_amounts_keep_their_digits() -> None:
    found = settings(FIXED_AMOUNT="0.1000000000000000055511151231257827", PAPER_FEE_PCT="0.1")
    assert found.fixed_amount == Decimal("0.1000000000000000055511151231257827")
    assert found.paper_fee_pct == Decimal("0.1")


def test_symbols_stand_before_symbol() -> None:
    found = settings(SYMBOL="DOGE/USDT", SYMBOLS="btc/usdt, ETH/USDT,")
    assert found.symbols == (Symbol("BTC", "USDT"), Symbol("ETH", "USDT"))
    assert settings(SYMBOL="ETH/USDT").symbols == (Symbol("ETH", "USDT"),)


def test_limits_and_stops_arrive_in_their_units() -> None:
    found = settings(
        RISK_COOLDOWN_SEC="90",
        RISK_MAX_SPREAD_PCT="0.3",
        RISK_MAX_POSITION_BASE="0.5",
        RISK_MAX_ORDERS_PER_HOUR="6",
        RISK_DAILY_LOSS_LIMIT_QUOTE="40",
        RISK_MAX_EXPOSURE_QUOTE="500",
        STOP_HARD_PCT="4",
        STOP_TRAILING_PCT="3",
        STOP_ATR_MULTIPLE="2.5",
        BREAK_EVEN_PCT="1.5",
        TIME_STOP_SEC="7200",
        TAKE_PROFIT_STEPS="2:0.5, 4.5:0.25",
    )
    assert found.risk_limits == RiskLimits(
        90_000, Decimal("0.3"), Decimal("0.5"), 6, Decimal(40), Decimal(500)
    )
    steps = (TakeProfitStep(2.0, Decimal("0.5")), TakeProfitStep(4.5, Decimal("0.25")))
    assert found.stop_rules == StopRules(4.0, 3.0, 2.5, 1.5, 7_200_000, steps)


def test_the_strategy_comes_with_its_parameters() -> None:
    found = settings(STRATEGY_PARAMETERS='{"fast": 5, "slow": 9, "atr": 0}')
    assert found.strategy_in_use.warm_up_bars < settings().strategy_in_use.warm_up_bars


def test_unknown_variables_are_no_business_of_ours_but_a_misspelt_limit_is() -> None:
    assert settings(PATH="/bin", AWS_REGION="eu-central-1", RISKY="1") == settings()
    (line,) = refusal(STOP_TRAILING="3")
    there = "STOP_HARD_PCT, STOP_TRAILING_PCT, STOP_ATR_MULTIPLE"
    assert line == f"STOP_TRAILING: no such variable; there are {there}"


STEPS = "must be like 2:0.5,4:0.5 (gain in per cent:fraction to sell)"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("MODE", "demo", "must be 'paper' or 'live'"),
        ("SANDBOX", "yes", "must be 0 or 1"),
        ("EXCHANGE", "Gate.io", "must match pattern '^[a-z][a-z0-9]*$'"),
        ("EXCHANGE_URL", "gate", "must be like https://host/api/v4"),
        ("EXCHANGE_URL", "http://[", "must be like https://host/api/v4"),
        ("EXCHANGE_URL", "ftp://127.0.0.1/", "must be like https://host/api/v4"),
        (
            "EXCHANGE_URL",
            "http://gate.example",
            "must be https, but for an exchange on the loopback",
        ),
        ("CLOCK", "wall", "must be 'system' or 'exchange'"),
        ("SYMBOL", "BTCUSDT", "must be a pair like BTC/USDT"),
        ("SYMBOLS", "BTC/USDT;ETH/USDT", "must be a pair like BTC/USDT"),
        ("SYMBOLS", ",", "must be pairs like BTC/USDT,ETH/USDT"),
        ("SYMBOLS", "A/USDT,B/BTC", "must all be priced in one coin, not in BTC and USDT"),
        ("SYMBOLS", "A/USDT,a/usdt", "must name no pair twice"),
        ("TIMEFRAME", "2m", f"must be one of {', '.join(TIMEFRAMES_MS)}"),
        ("STRATEGY_PARAMETERS", "{fast: 1}", 'must be a JSON object like {"fast": 12, "slow": 26}'),
        ("STRATEGY_PARAMETERS", "[1]", 'must be a JSON object like {"fast": 12, "slow": 26}'),
        ("FIXED_AMOUNT", "0", "must be greater than 0"),
        ("FIXED_AMOUNT", "1,5", "must be a valid decimal"),
        ("FIXED_AMOUNT", "NaN", "must be a finite number"),
        ("PAPER_FEE_PCT", "100", "must be less than 100"),
        ("RISK_MAX_EXPOSURE_QUOTE", "-1", "must be greater than or equal to 0"),
        ("RISK_DAILY_LOSS_LIMIT_QUOTE", "inf", "must be a finite number"),
        ("STOP_HARD_PCT", "100", "must be less than 100"),
        ("STOP_HARD_PCT", "nan", "must be less than 100"),
        ("STOP_ATR_MULTIPLE", "inf", "must be a finite number"),
        ("TAKE_PROFIT_STEPS", "2", STEPS),
        ("TAKE_PROFIT_STEPS", "x:0.5", STEPS),
        ("TAKE_PROFIT_STEPS", "2:0.5,,", STEPS),
        ("TAKE_PROFIT_STEPS", "2:0", f"{STEPS}, all above 0"),
        ("TAKE_PROFIT_STEPS", "4:0.5,2:0.5", f"{STEPS}, gains rising"),
        ("TAKE_PROFIT_STEPS", "2:0.5,4:0.6", f"{STEPS}, fractions adding up to at most 1"),
        ("TIME_STOP_SEC", "-5", "must be greater than or equal to 0"),
        ("EXITS_INTERVAL_SEC", "0", "must be greater than or equal to 1"),
        ("EXITS_INTERVAL_SEC", "61", "must be less than or equal to 60"),
        ("DMS_TIMEOUT_MS", "1000", "must be greater than or equal to 60000"),
        ("DEPLOYMENT_TAG", "Live", "must match pattern '^[0-9a-z]{1,8}$'"),
        ("DEPLOYMENT_TAG", "ninechars", "must match pattern '^[0-9a-z]{1,8}$'"),
        ("API_KEY_CREATED", "31.01.2026", "must be a day like 2026-01-31"),
        ("API_KEY_CREATED", "2026-02-30", "must be a day like 2026-01-31"),
        ("LOG_LEVEL", "info", "must be one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_wrong_value_gets_one_line(name: str, value: str, allowed: str) -> None:
    assert refusal(**{name: value}) == [f"{name}={value}: {allowed}"]


def test_a_whole_number_has_no_fraction() -> None:
    (line,) = refusal(RISK_COOLDOWN_SEC="1.5")
    assert line.startswith("RISK_COOLDOWN_SEC=1.5: must be a valid integer")


def test_all_that_is_wrong_is_told_at_once() -> None:
    lines = refusal(MODE="demo", SYMBOL="x", TIMEFRAME="2m", RISK_COOLDOWN="1")
    assert [re.split("[=:]", line)[0] for line in lines] == [
        "RISK_COOLDOWN",
        "MODE",
        "SYMBOL",
        "TIMEFRAME",
    ]


@pytest.mark.parametrize("value", ["a\nb", "a\x1b[2Jb", "a\u2028b"])
def test_a_line_stays_one_line(value: str) -> None:
    (line,) = refusal(EXCHANGE=value)
    assert line.isprintable()


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {"PRICE_FEED": "fixed"},
            "FIXED_PRICE: must be given with PRICE_FEED=fixed, a price above 0",
        ),
        (
            {"CLOCK": "exchange"},
            "CLOCK=exchange: must be system unless EXCHANGE_URL is on the loopback",
        ),
        (
            {"CLOCK": "exchange", "EXCHANGE_URL": "https://127.0.0.1.example.org/api/v4"},
            "CLOCK=exchange: must be system unless EXCHANGE_URL is on the loopback",
        ),
        (
            {"IDEMPOTENCY_BUCKET_MS": "60001"},
            "IDEMPOTENCY_BUCKET_MS=60001: must be at most a bar of TIMEFRAME=1m, 60000 ms",
        ),
        (
            {"IDEMPOTENCY_TTL_SEC": "7199", "TIMEFRAME": "1h"},
            (
                "IDEMPOTENCY_TTL_SEC=7199: must be at least 7200, "
                "two bars of TIMEFRAME=1h and two buckets"
            ),
        ),
        (
            {"STRATEGY": "magic"},
            f"STRATEGY=magic: must be one of {', '.join(registry.names())}",
        ),
        (
            {"STRATEGY_PARAMETERS": '{"fast": 26}'},
            "STRATEGY_PARAMETERS fast=26: must be below slow=26",
        ),
        (
            {"SANDBOX": "1"},
            "SANDBOX=1: must be 0 with MODE=paper, which asks no exchange for money",
        ),
        (
            {"EXPIRY_PROVEN": "1"},
            "EXPIRY_PROVEN=1: must be 0 with MODE=paper, which asks no exchange for money",
        ),
        (
            {"MODE": "live", **SWITCH, **KEYS},
            "FIXED_AMOUNT: must be given with MODE=live, the quote to spend on an entry",
        ),
        (
            {**LIVE, "TRADING_PARAMETER": ""},
            "TRADING_PARAMETER: must be given with MODE=live, it is the switch that stops it",
        ),
        (
            {**LIVE, "PRICE_FEED": "fixed", "FIXED_PRICE": "1"},
            "PRICE_FEED=fixed: must be live with MODE=live",
        ),
        (
            {**LIVE, "EXCHANGE": "binance"},
            "EXCHANGE=binance: must be gateio with MODE=live; others serve prices",
        ),
    ],
)
def test_values_that_do_not_fit_together_get_one_line(environ: dict[str, str], line: str) -> None:
    assert refusal(**environ) == [line]


@pytest.mark.parametrize(
    "keys",
    [
        KEYS,
        {"API_KEY_FILE": "/k", "API_SECRET_FILE": "/s"},
        {"API_KEY_B64": "a2s=", "API_SECRET_B64": "c3M="},
        {"SECRETS_FILE": "/secrets.json"},
        {"CREDENTIALS_PARAMETER": "/bot/key"},
    ],
)
def test_live_takes_its_key_in_any_of_its_ways(keys: dict[str, str]) -> None:
    assert settings(MODE="live", FIXED_AMOUNT="50", **SWITCH, **keys).secrets.offer_credentials


@pytest.mark.parametrize("keys", [{}, {"API_KEY": "k" * 32}, {"API_TOKEN": "t" * 20}])
def test_live_without_a_key_and_its_secret_does_not_start(keys: dict[str, str]) -> None:
    (line,) = refusal(MODE="live", FIXED_AMOUNT="50", **SWITCH, **keys)
    assert line.startswith("API_KEY: must be given with MODE=live, and API_SECRET")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:1/api/v4/", "http://[::1]:1"]
)
def test_the_exchanges_clock_is_followed_on_the_loopback(url: str) -> None:
    found = settings(CLOCK="exchange", EXCHANGE_URL=url)
    assert (found.clock, found.exchange_url) == ("exchange", url.rstrip("/"))


def test_no_secret_is_shown() -> None:
    hidden = {"API_KEY": "topsecret-key", "API_SECRET": "topsecret-sec", "API_TOKEN": "topsecret-t"}
    url = "https://me:topsecret@host/"
    assert "topsecret" not in repr(settings(**hidden)) + str(settings(**hidden))
    lines = refusal(MODE="demo", EXCHANGE_URL=url, **hidden)
    assert lines[1] == "EXCHANGE_URL=***: must be like https://host/api/v4"
    assert "topsecret" not in "".join(lines)


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError, match="cannot assign"):
        settings().mode = "live"  # type: ignore[misc]  # what is refused


def test_the_processes_own_environment_is_read_unless_another_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYMBOL", "SOL/USDT")
    assert Settings.from_environment().symbols == (Symbol("SOL", "USDT"),)


def test_an_env_file_is_key_value_lines(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text('# a comment\n\nMODE = paper\nexport A="b c"\nB=\'{"fast": 5}\'\nC=x=#1\nD=\n')
    assert read_env_file(path) == {
        "MODE": "paper",
        "A": "b c",
        "B": '{"fast": 5}',
        "C": "x=#1",
        "D": "",
    }


def test_a_wrong_env_file_gets_one_line_without_its_contents(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    with pytest.raises(BadSetting, match=r"\.env: must be a readable text file of KEY=VALUE lines"):
        read_env_file(path)
    path.write_text("MODE=paper\ntopsecret\n")
    with pytest.raises(BadSetting, match=r"\.env, line 2: must be KEY=VALUE, or # and a comment$"):
        read_env_file(path)
