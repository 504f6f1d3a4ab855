"""Every alarm: on a metric that is told, at a topic, within what is free; and the dashboard."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.runtime.observability import METRICS, NAMESPACE

ROOT = Path(__file__).parents[2]
WAKING = {"JobsSilent", "SymbolHalted", "DeadMansSwitch", "StopsMissing"}
# Absence is the news where a metric is told each minute; elsewhere it means that nothing happened.
BREACHING = {"JobsSilent"}
FREE_ALARMS = 10
KEY_THAT_ENDS = "HasApiKeyCreated"  # then an eleventh, for ten cents
FREE_METRICS_OF_A_DASHBOARD = 50

type OfType = Callable[[str], Mapping[str, Mapping[str, Any]]]
type Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def alarms(of_type: OfType) -> Mapping[str, Mapping[str, Any]]:
    return of_type("AWS::CloudWatch::Alarm")


def metrics_of(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The metrics that an alarm looks at: each is one on the bill."""
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def test_the_default_set_is_free_and_the_full_set_is_asked_for(
    alarms: Mapping[str, Mapping[str, Any]], resources: Resources
) -> None:
    default = [
        metric
        for name, alarm in alarms.items()
        if resources[name].get("Condition") not in {"HasFullAlarmSet", KEY_THAT_ENDS}
        for metric in metrics_of(alarm)
    ]
    assert len(default) <= FREE_ALARMS
    assert len(METRICS) <= FREE_ALARMS  # as many custom metrics are free


def test_alarms_go_to_the_topic_of_their_weight_and_say_when_they_end(
    alarms: Mapping[str, Mapping[str, Any]],
) -> None:
    for name, alarm in alarms.items():
        topic = [{"Ref": "WakeTopic" if name in WAKING else "TellTopic"}]
        assert (alarm["AlarmActions"], alarm["OKActions"]) == (topic, topic), name
        assert alarm["ActionsEnabled"] == {"Fn::If": ["IsFiring", True, False]}
    assert set(alarms) >= WAKING


def test_silence_rings_where_it_is_the_news(alarms: Mapping[str, Mapping[str, Any]]) -> None:
    for name, alarm in alarms.items():
        wanted = "breaching" if name in BREACHING else "notBreaching"
        assert alarm["TreatMissingData"] == wanted, name
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]


def test_an_alarm_of_ours_is_on_a_metric_that_is_told_under_the_deployments_name(
    alarms: Mapping[str, Mapping[str, Any]],
) -> None:
    own = [alarm for alarm in alarms.values() if alarm.get("Namespace") == NAMESPACE]
    assert own
    for alarm in own:
        assert alarm["MetricName"] in METRICS
        [dimension] = alarm["Dimensions"]
        assert dimension["Name"] == "service"
        text, words = dimension["Value"]["Fn::Sub"]
        assert text == "crypto-ai-bot-${Tag}"
        assert words["Tag"]["Fn::If"][:2] == ["HasDeploymentTag", {"Ref": "DeploymentTag"}]


def test_each_metric_has_an_alarm_or_is_on_the_dashboard(
    alarms: Mapping[str, Mapping[str, Any]], dashboard: Mapping[str, Any]
) -> None:
    looked_at = {alarm["MetricName"] for alarm in alarms.values() if "MetricName" in alarm}
    shown = {row[1] for row in rows(dashboard) if row[0] == NAMESPACE}
    assert set(METRICS) <= looked_at | shown


def test_each_concern_has_its_alarm(alarms: Mapping[str, Mapping[str, Any]]) -> None:
    looked_at = {
        metric["MetricName"] + "".join(str(d["Value"]) for d in metric["Dimensions"])
        if metric["Namespace"] == "AWS/SQS"
        else metric["MetricName"]
        for alarm in alarms.values()
        for metric in metrics_of(alarm)
    }
    waiting = "ApproximateNumberOfMessagesVisible"
    assert looked_at == {
        *("JobsAlive", "SymbolsHalted", "DeadMansSwitch", "OrdersUnknown", "Drift", "RunErrors"),
        *("DailyLossReached", "KeyAgeDays", "StopsMissing"),
        *(f"{waiting}{ ({'Fn::GetAtt': [queue, 'QueueName']}) }" for queue in QUEUES),
        *("Errors", "Throttles", "Duration", "AsyncEventAge", "AsyncEventsDropped"),
        *("InvocationDroppedCount", "5xx"),
    }


QUEUES = ("FailedRuns", "ScheduleDeadLetters")


def test_an_alarm_on_what_is_not_there_is_not_made(resources: Resources) -> None:
    conditions = {
        "DeadMansSwitch": "IsLive",
        "StopsMissing": "RestsAtTheExchange",
        "DailyLossReached": "HasRiskDailyLossLimitQuote",
        "KeyAge": "HasApiKeyCreated",
    }
    for name, condition in conditions.items():
        assert resources[name]["Condition"] == condition


def test_an_alarm_and_its_section_in_the_runbook_name_each_other(
    alarms: Mapping[str, Mapping[str, Any]],
) -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()
    sections = re.findall(r"^### (\w+)$", runbook, re.MULTILINE)
    assert sorted(sections) == sorted(alarms)
    for name, alarm in alarms.items():
        assert alarm["AlarmDescription"].endswith(f" docs/runbook.md: {name}")
        assert alarm["AlarmName"] == {"Fn::Sub": "${AWS::StackName}-" + name}
        section = runbook.split(f"### {name}\n")[1].split("\n#")[0]
        for part in ("**Means.**", "**Look.**", "**Do.**"):
            assert part in section, name


@pytest.fixture
def dashboard(of_type: OfType) -> Mapping[str, Any]:
    """The dashboard's body, its references left as they are."""
    [body] = of_type("AWS::CloudWatch::Dashboard").values()
    text, _ = body["DashboardBody"]["Fn::Sub"]
    read: Mapping[str, Any] = json.loads(text)
    return read


def rows(dashboard: Mapping[str, Any]) -> list[list[Any]]:
    """Every metric that the dashboard asks for; expressions are not metrics."""
    return [
        row
        for widget in dashboard["widgets"]
        for row in widget["properties"].get("metrics", ())
        if isinstance(row[0], str)
    ]


def test_the_dashboard_shows_what_an_operator_asks(dashboard: Mapping[str, Any]) -> None:
    titles = [widget["properties"]["title"] for widget in dashboard["widgets"]]
    for word in ("Equity", "Positions", "Decisions", "Blocks", "Orders", "Latency", "Cost"):
        assert any(title.startswith(word) for title in titles), word
    assert len(rows(dashboard)) <= FREE_METRICS_OF_A_DASHBOARD


def test_the_dashboard_refers_to_what_the_template_has(
    dashboard: Mapping[str, Any], resources: Resources
) -> None:
    referred = set(re.findall(r"\$\{(\w+)[.}]", json.dumps(dashboard))) - {"Tag", "Table", "AWS"}
    assert referred <= set(resources)


def test_the_costs_count_every_functions_time(dashboard: Mapping[str, Any]) -> None:
    [widget] = [w for w in dashboard["widgets"] if w["properties"]["title"].startswith("Cost")]
    billed = {(row[1], row[3]) for row in widget["properties"]["metrics"] if row[0] == "AWS/Lambda"}
    functions = ("Evaluate", "Exits", "Reconcile", "Watchdog", "Api", "Notify")
    assert {name for metric, name in billed if metric == "Duration"} == {
        "${" + f"{name}Function" + "}" for name in functions
    }
