from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from crypto_ai_bot.domain.errors import BadSetting, ParameterUnavailable
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.runtime.parameters import (
    ROTATED_MS_MAX,
    AlwaysOn,
    ParameterSwitch,
    Refreshed,
    read_parameter,
)


class Parameter:
    """A parameter and a clock, both in the test's hand."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.at_ms = 0
        self.reads = 0
        self.switch = ParameterSwitch(self.read, lambda: self.at_ms)

    def read(self) -> str:
        self.reads += 1
        if self.text is None:
            raise ParameterUnavailable("the parameter store did not answer")
        return self.text


@pytest.mark.parametrize("state", TradingState)
def test_each_state_is_read(state: TradingState) -> None:
    assert Parameter(f" {state}\n").switch.read() is state


def test_a_state_is_kept_for_less_than_ten_seconds() -> None:
    parameter = Parameter("on")
    assert parameter.switch.read() is TradingState.ON
    parameter.text, parameter.at_ms = "off", 9_999
    assert parameter.switch.read() is TradingState.ON
    parameter.at_ms = 10_000
    assert parameter.switch.read() is TradingState.OFF
    assert parameter.reads == 2


def test_what_was_read_before_an_error_is_not_used_again() -> None:
    parameter = Parameter("on")
    parameter.switch.read()
    parameter.text, parameter.at_ms = None, 10_000
    for _ in range(2):
        with pytest.raises(ParameterUnavailable):
            parameter.switch.read()
    assert parameter.reads == 3


@pytest.mark.parametrize("text", ["", "ON", "true", "exits-only", "x" * 99])
def test_any_other_word_is_as_good_as_unreadable_and_says_what_is_allowed(text: str) -> None:
    with pytest.raises(ParameterUnavailable, match="allowed are on, exits_only, off"):
        Parameter(text).switch.read()


def test_without_a_parameter_the_tables_word_alone_counts() -> None:
    assert AlwaysOn().read() is TradingState.ON


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_a_secret_parameter_is_decrypted_and_a_missing_one_is_named() -> None:
    client = boto3.session.Session().client("ssm", region_name="us-east-1")
    client.put_parameter(Name="/cab/token", Value="a token", Type="SecureString")
    assert read_parameter(client, "/cab/token") == "a token"
    with pytest.raises(ParameterUnavailable, match="/cab/other: ParameterNotFound"):
        read_parameter(client, "/cab/other")


def test_a_parameter_store_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.session.Session().client(
        "ssm",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",  # the discard port: nobody listens
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ParameterUnavailable, match="/cab/trading did not answer"):
        read_parameter(client, "/cab/trading")


class Vault:
    """A secret that is rotated, and a time that only the test moves."""

    def __init__(self) -> None:
        self.secret: str | Exception = "first"
        self.at_ms = 0
        self.reads = 0

    def read(self) -> str:
        self.reads += 1
        if isinstance(self.secret, Exception):
            raise self.secret
        return self.secret


def test_a_rotated_secret_is_read_within_five_minutes_and_not_at_each_call() -> None:
    vault = Vault()
    kept = Refreshed(vault.read, lambda: vault.at_ms)
    assert kept.get() == "first"
    vault.secret, vault.at_ms = "second", ROTATED_MS_MAX - 1
    assert (kept.get(), vault.reads) == ("first", 1)
    vault.at_ms += 1
    assert (kept.get(), vault.reads) == ("second", 2)


@pytest.mark.parametrize("error", [ParameterUnavailable("no answer"), BadSetting("too short")])
def test_the_last_secret_counts_while_it_cannot_be_read_but_there_must_have_been_one(
    error: Exception,
) -> None:
    vault = Vault()
    kept = Refreshed(vault.read, lambda: vault.at_ms)
    vault.secret = error
    with pytest.raises(type(error)):
        kept.get()
    vault.secret = "first"
    assert kept.get() == "first"
    vault.secret, vault.at_ms = error, ROTATED_MS_MAX
    assert kept.get() == "first"
