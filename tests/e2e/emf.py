"""Metrics out of log lines, as CloudWatch makes them and the embedded cloud does not."""

import json
from typing import Any

from e2e.rig import Rig


def forward_metrics(rig: Rig, functions: tuple[str, ...]) -> set[str]:
    """Put every metric that these functions' logs hold; the names of those put.

    Dated now: the embedded cloud's alarms look at the last minutes of this machine's clock.
    """
    logs, monitoring = rig.cloud.client("logs"), rig.cloud.client("cloudwatch")
    names: set[str] = set()
    for function in functions:
        events = logs.filter_log_events(logGroupName=rig.stack.log_group(function))["events"]
        for event in events:
            for line in event["message"].splitlines():
                names |= _put(monitoring, json.loads(line)) if line.startswith("{") else set()
    return names


def _put(monitoring: Any, line: dict[str, Any]) -> set[str]:
    names: set[str] = set()
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
        [dimensions] = directive["Dimensions"]
        data = [
            {
                "MetricName": metric["Name"],
                "Unit": metric["Unit"],
                "Value": line[metric["Name"]],
                "Dimensions": [{"Name": name, "Value": line[name]} for name in dimensions],
            }
            for metric in directive["Metrics"]
        ]
        monitoring.put_metric_data(Namespace=directive["Namespace"], MetricData=data)
        names |= {one["MetricName"] for one in data}
    return names
