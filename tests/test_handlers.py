"""Every sample event through its handler, as Lambda would call it; AWS played in process."""

import importlib.util
import json
import logging
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract.embedded_dynamodb import make_table
from crypto_ai_bot.domain.errors import (
    BadEvent,
    BadSetting,
    ExchangeRefusesKey,
    MessageUndelivered,
    StoreUnavailable,
)
from crypto_ai_bot.runtime import api, guard, handler, notify, process
from crypto_ai_bot.runtime.settings import Settings

ROOT = Path(__file__).parents[1]
EVENTS = ROOT / "events"
JOBS = ["evaluate", "exits", "reconcile", "watchdog"]
API_EVENTS = sorted(path.name for path in EVENTS.glob("api-*.json"))
TOKEN = "a-token-that-nobody-guesses"

# Other tests of the same process may play AWS at the same time: names are used once.
_NUMBERS = count(1)

type Handler = Callable[..., dict[str, Any]]


def load(function: str) -> Handler:
    """The handler of functions/<function>/app.py, imported from the file as Lambda does."""
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"app_of_{function}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Handler = module.handler
    return found


def event(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return read


def forget() -> None:
    """A new process: what was made once is made anew."""
    for kept in (process.process, process.logger_without_settings, handler._workplace):
        kept.cache_clear()
    api._desk.cache_clear()
    notify._counter.cache_clear()
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("crypto-ai")]:
        del logging.root.manager.loggerDict[name]  # its handler writes to another test's output


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    variables = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "TABLE_NAME": f"handlers-{next(_NUMBERS)}",
        "TRADING_PARAMETER": "/books/trading",
        "PRICE_FEED": "fixed",
        "FIXED_PRICE": "20000",
        "API_TOKEN": TOKEN,
        "API_KEY": "key-that-must-not-be-seen",
        "API_SECRET": "secret-that-must-not-be-seen",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget()
    with mock_aws():
        session = boto3.session.Session()
        make_table(session.client("dynamodb"), variables["TABLE_NAME"])
        session.client("ssm").put_parameter(
            Name="/books/trading", Value="on", Type="String", Overwrite=True
        )
        yield monkeypatch
    forget()


def items() -> list[dict[str, Any]]:
    """Everything in the table that TABLE_NAME names."""
    client = boto3.session.Session().client("dynamodb")
    name = Settings.from_environment().table_name
    found: list[dict[str, Any]] = client.scan(TableName=name)["Items"]
    return found


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("job", JOBS)
def test_each_job_answers_its_sample_event_with_its_outcome(job: str) -> None:
    outcome = load(job)(event(f"{job}.json"), None)
    assert outcome["job"] == job
    assert outcome["ok"]
    assert json.loads(json.dumps(outcome)) == outcome
    assert any(item["sk"] == {"S": f"HEARTBEAT#{job}"} for item in items())


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("name", API_EVENTS)
def test_each_api_call_of_the_samples_is_served(name: str) -> None:
    call = event(name)
    call.setdefault("headers", {})["authorization"] = f"Bearer {TOKEN}"
    served = load("api")(call, None)
    assert served["statusCode"] in {200, 503}  # health before the first watchdog run
    assert "must-not-be-seen" not in served["body"]


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"job": "order"}, "job was 'order', this function runs 'evaluate'"),
        ({"scheduled_time": None}, "scheduled_time was None, an RFC 3339 time is needed"),
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "an RFC 3339 time is needed"),
        ({"symbols": ["DOGE/USDT"]}, "DOGE/USDT not configured"),
    ],
)
def test_a_bad_event_is_one_clear_line_and_leaves_the_table_untouched(
    changes: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadEvent) as error:
        load("evaluate")(event("evaluate.json") | changes, None)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert items() == []
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["ERROR"]


def test_a_wrong_setting_stops_the_start_with_its_name_its_value_and_what_is_allowed(
    cloud: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.setenv("RISK_MAX_ORDERS_PER_HOUR", "many")
    with pytest.raises(BadSetting, match="RISK_MAX_ORDERS_PER_HOUR=many: must"):
        load("evaluate")(event("evaluate.json"), None)
    assert "RISK_MAX_ORDERS_PER_HOUR=many" in capsys.readouterr().out


def test_a_table_that_is_gone_is_told_and_the_next_call_recovers(
    cloud: pytest.MonkeyPatch,
) -> None:
    cloud.setenv("TABLE_NAME", "elsewhere")
    with pytest.raises(StoreUnavailable, match="elsewhere"):
        load("evaluate")(event("evaluate.json"), None)
    health = load("api")(event("api-health.json"), None)
    assert health["statusCode"] == 503
    assert "elsewhere" in health["body"]
    client = boto3.session.Session().client("dynamodb")
    make_table(client, "elsewhere")
    assert load("evaluate")(event("evaluate.json"), None)["ok"]


def test_a_key_that_the_exchange_refuses_is_read_anew_by_the_next_run(
    cloud: pytest.MonkeyPatch,
) -> None:
    load("evaluate")(event("evaluate.json"), None)
    first = handler._workplace()

    def refused(_desk: object, _tick: object) -> None:
        raise ExchangeRefusesKey("INVALID_KEY: make a new one")

    cloud.setattr(handler, "_use_case", lambda _job: refused)
    with pytest.raises(ExchangeRefusesKey):
        load("evaluate")(event("evaluate.json"), None)
    assert handler._workplace() is not first


def test_no_secret_leaves_in_a_log_an_answer_or_an_error(
    cloud: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invariant I12, with a fault of the program that carries both secrets in its words."""

    def faulty(_desk: object, _tick: object) -> None:
        raise ValueError("key-that-must-not-be-seen and secret-that-must-not-be-seen")

    cloud.setattr(handler, "_use_case", lambda _job: faulty)
    with pytest.raises(guard.RunFailed) as error:
        load("evaluate")(event("evaluate.json"), None)
    assert str(error.value) == "ValueError: *** and ***"
    assert error.value.__cause__ is None
    seen = capsys.readouterr()
    assert "must-not-be-seen" not in seen.out + seen.err
    assert "***" in seen.out


@pytest.mark.usefixtures("cloud")
def test_a_run_writes_one_line_with_its_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = load("watchdog")(event("watchdog.json"), None)
    (line,) = capsys.readouterr().out.splitlines()
    logged = json.loads(line)
    assert logged["outcome"] == outcome
    assert logged["correlation_id"] == outcome["correlation_id"]
    assert logged["JobsAlive"] == 1


def test_notify_publishes_what_the_books_want_told_and_once(cloud: pytest.MonkeyPatch) -> None:
    session = boto3.session.Session()
    sns, sqs = session.client("sns"), session.client("sqs")
    topic = sns.create_topic(Name="tell")["TopicArn"]
    queue = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    cloud.setenv("TELL_TOPIC", topic)
    load("api")(event("api-stop.json") | {"headers": {"authorization": f"Bearer {TOKEN}"}}, None)
    told = [load("notify")(event("notify.json"), None)["told"] for _ in range(2)]
    assert [len(ids) for ids in told] == [1, 0]
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    delivered = json.loads(message["Body"])
    assert delivered["Subject"] == "[paper] control trading"
    assert "trading is exits_only, set by api" in delivered["Message"]


def test_a_topic_that_is_gone_leaves_the_outbox_as_it_is(cloud: pytest.MonkeyPatch) -> None:
    cloud.setenv("TELL_TOPIC", "arn:aws:sns:us-east-1:123456789012:gone")
    load("api")(event("api-stop.json") | {"headers": {"authorization": f"Bearer {TOKEN}"}}, None)
    with pytest.raises(MessageUndelivered, match="gone: NotFound"):
        load("notify")(event("notify.json"), None)
    assert any("unresolved" in item for item in items())


def test_an_alarm_is_passed_on_to_the_webhook_whose_address_is_not_shown(
    cloud: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.setenv("WEBHOOK_PARAMETER", "/books/webhook")
    boto3.session.Session().client("ssm").put_parameter(
        Name="/books/webhook",
        Value="http://127.0.0.1:1/must-not-be-seen?text={text}",
        Type="SecureString",
        Overwrite=True,
    )
    with pytest.raises(MessageUndelivered, match="did not answer") as error:
        load("notify")(event("notify-alarm.json"), None)
    assert "must-not-be-seen" not in str(error.value) + capsys.readouterr().out


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"job": "order"}, BadEvent, "job was 'order', this function runs 'notify'"),
        ("text", BadEvent, "job was 'text'"),
        ({"Records": []}, BadSetting, "WEBHOOK_PARAMETER: must be given"),
    ],
)
def test_what_notify_cannot_do_is_one_clear_line(
    wrong: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        load("notify")(wrong, None)


@pytest.mark.usefixtures("cloud")
def test_a_start_makes_ready_what_the_first_run_needs() -> None:
    load("evaluate")
    assert handler._workplace.cache_info().currsize == 1


def test_what_a_start_cannot_make_ready_the_first_run_tells(
    cloud: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.setenv("MODE", "demo")
    started = load("evaluate")
    assert not capsys.readouterr().out
    with pytest.raises(BadSetting, match="MODE=demo"):
        started(event("evaluate.json"), None)
    assert len(capsys.readouterr().out.splitlines()) == 1
