"""Every function in a container, by `sam local`, in paper mode; state in a local DynamoDB."""

import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import yaml

from contract.embedded_dynamodb import make_table, new_client, running_ministack
from crypto_ai_bot.local.build import build
from crypto_ai_bot.local.places import Places, project_root
from e2e.cloud_yaml import CloudYaml
from e2e.container_engine import NoEngine, running_engine
from e2e.lambda_image import assemble
from e2e.rig import TOKEN, TOKEN_PARAMETER
from e2e.sam_local import HOST, SamLocal, copied_build, written_variables

pytestmark = pytest.mark.cloud

ROOT = project_root()
EVENTS = ROOT / "events"
TABLE, TRADING = "crypto-ai-bot", "/crypto-ai-bot/trading"
FLIP = Path(__file__).parent / "strategies" / "flip.py"


def functions() -> set[str]:
    """The functions of the template, whichever there are."""
    read = yaml.load((ROOT / "template.yaml").read_text(), Loader=CloudYaml)  # noqa: S506 - a safe one
    resources = read["Resources"].items()
    return {name for name, body in resources if body["Type"] == "AWS::Serverless::Function"}


def sample(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def sam_local(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamLocal]:
    folder = tmp_path_factory.mktemp("engine")
    build(places)
    template = copied_build(places, folder / "build", FLIP)
    try:
        with running_engine(folder) as engine, running_ministack(engine.gateway) as endpoint:
            make_table(new_client(endpoint), TABLE)
            put_parameters(endpoint)
            variables = written_variables(
                EVENTS / "env.json",
                folder / "env.json",
                AWS_ENDPOINT_URL=f"http://{HOST}:{urlsplit(endpoint).port}",
                TRADING_PARAMETER=TRADING,
                API_TOKEN_PARAMETER=TOKEN_PARAMETER,
                STRATEGY="flip",
            )
            yield SamLocal(places, template, engine, assemble(engine), variables, endpoint)
    except NoEngine as error:
        pytest.skip(str(error))


def put_parameters(endpoint: str) -> None:
    client = boto3.session.Session().client(
        "ssm",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.put_parameter(Name=TRADING, Value="on", Type="String")
    client.put_parameter(Name=TOKEN_PARAMETER, Value=TOKEN, Type="SecureString")


@pytest.fixture(scope="module")
def answers(sam_local: SamLocal) -> dict[str, Any]:
    """What each function answered, invoked one after the other in the order of a minute."""
    minute = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:00Z")  # noqa: TID251 - a real one
    jobs = ("evaluate", "exits", "reconcile", "watchdog", "notify")
    events = {job: {**sample(job), "scheduled_time": minute} for job in jobs}
    request = sample("api-pnl-today")
    request["headers"]["authorization"] = f"Bearer {TOKEN}"
    events["api"] = request
    return {
        function: sam_local.invoke(function, event)
        for function, event in ((f"{job.title()}Function", told) for job, told in events.items())
    }


def test_each_function_of_the_template_runs_in_a_container(answers: dict[str, Any]) -> None:
    assert set(answers) == functions()
    assert not [answer for answer in answers.values() if "errorType" in answer]


def test_what_one_function_does_the_next_one_sees(answers: dict[str, Any]) -> None:
    (entered,) = answers["EvaluateFunction"]["symbols"]
    assert (entered["decision"], entered["order"]["state"]) == ("enter", "closed")
    (held,) = answers["ExitsFunction"]["symbols"]
    assert held["position"]["base"] == entered["position"]["base"]
    assert answers["ReconcileFunction"]["ok"]
    assert answers["WatchdogFunction"]["ok"]
    assert answers["NotifyFunction"]["told"]
    shown = json.loads(answers["ApiFunction"]["body"])
    assert shown["positions"]["BTC/USDT"]["base"] == entered["position"]["base"]


def test_an_error_is_told_in_one_line(sam_local: SamLocal) -> None:
    answer = sam_local.invoke("NotifyFunction", sample("notify-alarm"))
    assert answer["errorType"] == "BadSetting"
    assert answer["errorMessage"].startswith("WEBHOOK_PARAMETER: must be given")


@pytest.mark.usefixtures("answers")
def test_the_api_is_served_on_this_machine(sam_local: SamLocal) -> None:
    requests = [sample(path.stem) for path in sorted(EVENTS.glob("api-*.json"))]
    asked = {(one["requestContext"]["http"]["method"], one["rawPath"]) for one in requests}
    with sam_local.api() as port:
        assert call(port, "GET", "/orchestrator/status", "") == http.client.UNAUTHORIZED
        found = {(method, path): call(port, method, path, TOKEN) for method, path in asked}
    assert found == dict.fromkeys(asked, http.client.OK)


def call(port: int, method: str, path: str, token: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
