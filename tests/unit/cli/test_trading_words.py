"""make on, exits-only and off: both words are set, or it is said which one was not."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from contract.embedded_dynamodb import make_table
from crypto_ai_bot.cli.deployment import Deployment
from crypto_ai_bot.cli.trading import _lines, _report, _set
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.settings import Settings

PARAMETER = "/words/trading"


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        session = boto3.session.Session()
        dynamodb = session.client("dynamodb")
        make_table(dynamodb, "words")
        session.client("ssm").put_parameter(
            Name=PARAMETER, Value="on", Type="String", Overwrite=True
        )
        settings = Settings.from_environment(
            {"TABLE_NAME": "words", "TRADING_PARAMETER": PARAMETER}
        )
        yield Deployment("a-stack", {}, settings)
        dynamodb.delete_table(TableName="words")  # another test of this worker may mock AWS still


def test_both_words_are_set_and_shown(deployment: Deployment) -> None:
    books = Books(deployment.settings)
    assert _set(books, PARAMETER, TradingState.EXITS_ONLY, "a drill") == ""
    report = _report(deployment, books)
    assert (report["trading_state"], report["parameter"]) == ("exits_only", "exits_only")
    assert _lines(report)[:3] == [
        "a-stack: paper, trading exits_only",
        "  parameter  exits_only",
        "  table      exits_only by command: a drill",
    ]


def test_a_parameter_that_cannot_be_set_is_said_and_the_table_holds(
    deployment: Deployment,
) -> None:
    books = Books(deployment.settings)
    trouble = _set(books, "ssm-is-reserved", TradingState.OFF, "a drill")
    assert trouble.startswith("the table says off, but the parameter ssm-is-reserved was not set: ")
    assert _report(deployment, books)["trading_state"] == "off"
