"""make on, exits-only, off and status: the command sets both words, and the next tick obeys."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from crypto_ai_bot.local.cloud import CREDENTIALS, REGION
from crypto_ai_bot.local.places import project_root
from e2e.rig import Rig, tick_event

pytestmark = pytest.mark.cloud


def command(
    rig: Rig, action: str, stack: str = "crypto-ai-bot"
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a child process needs one to start
        "PYTHONPATH": str(project_root() / "layers/trading"),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": rig.cloud.endpoint,
        **CREDENTIALS,
    }
    return subprocess.run(
        [
            *(sys.executable, "-m", "crypto_ai_bot.cli.trading", action),
            *("--stack", stack, "--json", "--reason", "a drill"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def report(rig: Rig, action: str) -> dict[str, Any]:
    done = command(rig, action)
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def state_of_a_tick(rig: Rig) -> str:
    went_well, outcome = rig.invoke("evaluate", tick_event("evaluate", rig.next_minute()))
    assert went_well, outcome
    found: str = outcome["trading_state"]
    return found


def test_the_command_sets_both_words_and_the_next_tick_obeys(rig: Rig) -> None:
    ssm, name = rig.cloud.client("ssm"), rig.stack.trading_parameter
    for action, state in (("exits-only", "exits_only"), ("off", "off"), ("on", "on")):
        shown = report(rig, action)
        assert (shown["trading_state"], shown["control"]["state"]) == (state, state)
        assert shown["control"]["reason"] == "a drill"
        assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == state
        # On waits for what the process has kept of the parameter, ten seconds at most.
        rig.invoke("evaluate", {"job": "none of ours"})
        assert state_of_a_tick(rig) == state
    assert report(rig, "status")["trading_state"] == "on"


def test_a_stack_that_is_not_there_is_one_line(rig: Rig) -> None:
    done = command(rig, "status", "no-such-stack")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("--stack no-such-stack: ")
