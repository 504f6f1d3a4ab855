"""What stands around the template: the workflow, and the rules for those who run Prometheus."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # has none

from crypto_ai_bot.runtime.views import _HELP

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/check-and-deploy.yml"
PROMETHEUS = ROOT / "ops/prometheus"


@pytest.fixture(scope="module")
def workflow() -> Mapping[str, Any]:
    read: Mapping[str, Any] = yaml_parse(WORKFLOW.read_text())
    return read


def test_the_workflow_runs_targets_that_there_are(workflow: Mapping[str, Any]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = [
        target
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("run", "").startswith("make ")
        for target in step["run"].split()[1:]
        if "=" not in target and not target.startswith(("$", "matrix", "}"))
    ]
    assert set(asked) == {"check", "check-template", "test", "build", "deploy"}
    assert set(asked) <= targets


def test_only_a_deployment_by_hand_asks_for_the_token_that_aws_trusts(
    workflow: Mapping[str, Any],
) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    jobs = workflow["jobs"]
    holders = [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})]
    assert holders == ["deploy"]
    assert jobs["deploy"]["if"] == "github.event_name == 'workflow_dispatch'"
    assert set(jobs["deploy"]["needs"]) == {"check", "test", "build"}
    assert "secrets." not in WORKFLOW.read_text()


def test_no_step_puts_an_input_into_its_command(workflow: Mapping[str, Any]) -> None:
    """An expression within a command is a command for whoever writes the input."""
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            expressions = re.findall(r"\$\{\{(.*?)\}\}", step.get("run", ""))
            assert all(one.strip().startswith("matrix.") for one in expressions)


def test_the_rules_are_on_metrics_that_there_are() -> None:
    rules = yaml_parse((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"cab_\w+", rule["expr"])}
    assert named
    assert named <= set(_HELP)
    runbook = (ROOT / "docs/runbook.md").read_text()
    titles = {title.lower() for title in re.findall(r"^#{2,3} (.+)$", runbook, re.MULTILINE)}
    for rule in rules:
        assert rule["annotations"]["runbook"].partition("#")[2] in titles
        assert rule["labels"]["severity"] in {"wake", "tell"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_it(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed here: apt install prometheus brings it")
    done = subprocess.run(
        [promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
