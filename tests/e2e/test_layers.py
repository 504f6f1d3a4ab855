"""What is shipped: bytecode that Lambda can use, no more than is needed, nothing of floor 5."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from crypto_ai_bot.local.build import build
from crypto_ai_bot.local.cloud import bare_interpreter
from crypto_ai_bot.local.places import Places, project_root
from e2e.cloud_yaml import CloudYaml

pytestmark = pytest.mark.cloud

MEGABYTE = 1_000_000
UNCHECKED_HASH = 1  # PEP 552: the flags of bytecode that is used whatever its source's time says
# What no function needs to answer a tick, and what each would cost (reference performance 2).
NEVER = {
    *("pydantic", "boto3", "cryptography", "aiohttp", "asyncio", "charset_normalizer"),
    *("crypto_ai_bot.cli", "crypto_ai_bot.backtest", "crypto_ai_bot.local"),
}
# The watchdog takes the place of exits when those are silent.
USED_BY = {"watchdog": {"exits"}}
JOBS = {"evaluate", "exits", "reconcile", "watchdog"}
ROOT = project_root()
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))


@pytest.fixture(scope="module")
def layers(places: Places) -> dict[str, Path]:
    build(places)
    folder = places.made / "build"
    return {name: folder / name / "python" for name in ("DependenciesLayer", "TradingLayer")}


def run(
    places: Places, layers: Mapping[str, Path], program: str, *flags: str
) -> subprocess.CompletedProcess[str]:
    """A program in an interpreter that knows the standard library and the layers alone."""
    return subprocess.run(
        [bare_interpreter(places.made), *flags, "-c", program],
        env={
            "PYTHONPATH": ":".join(map(str, layers.values())),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TABLE_NAME": "none",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
        capture_output=True,
        text=True,
        check=True,
    )


def test_every_module_has_bytecode_that_the_stamp_of_sam_does_not_make_stale(
    layers: dict[str, Path],
) -> None:
    for folder in layers.values():
        modules = list(folder.rglob("*.py"))
        assert modules
        for module in modules:
            compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
            assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH, module


IMPORT = """
import sys
sys.path.insert(0, {function!r})
import app
"""
START = f"""{IMPORT}
from crypto_ai_bot.runtime.wiring import open_workplace
from crypto_ai_bot.runtime.settings import Settings
place = open_workplace(Settings.from_environment(), lambda secrets: None)
place.desk(lambda: 1_000)
"""


def test_the_bytecode_is_what_runs(places: Places, layers: dict[str, Path]) -> None:
    """Python tells of each module where its code came from; compiling would say so."""
    program = START.format(function=str(places.made / "build" / "EvaluateFunction"))
    told = run(places, layers, program, "-v").stderr
    used = re.findall(r"^# code object from '?(/\S+?)'?$", told, re.MULTILINE)
    ours = [path for path in used if any(Path(path).is_relative_to(x) for x in layers.values())]
    assert len(ours) > len(list(layers["TradingLayer"].glob("crypto_ai_bot/runtime/*.py")))
    assert not [path for path in ours if not path.endswith(".pyc")]
    assert "bytecode is stale" not in told


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_what_it_uses_and_no_more(
    places: Places, layers: dict[str, Path], function: str
) -> None:
    """Its own use case, the brokers of its settings: paper prices from Gate."""
    folder = places.made / "build" / f"{function.title()}Function"
    program = (START if function in JOBS else IMPORT).format(function=str(folder))
    done = run(places, layers, f"{program}\nprint(*sys.modules)")
    loaded = set(done.stdout.split())
    assert not done.stderr
    assert not NEVER & loaded
    cases = {name.removeprefix("crypto_ai_bot.usecases.") for name in loaded}
    assert cases & JOBS <= {function} | USED_BY.get(function, set())
    exchange = {name for name in loaded if name.startswith(("ccxt.", "crypto_ai_bot.brokers."))}
    if function in JOBS:
        assert "ccxt.gate" in exchange
        assert "crypto_ai_bot.brokers.gate_broker" not in exchange
    else:
        assert not exchange


def test_the_layers_are_small(layers: dict[str, Path]) -> None:
    files = [file for folder in layers.values() for file in folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 15 * MEGABYTE


def test_aws_is_described_as_far_as_the_functions_may_ask(
    places: Places, layers: dict[str, Path]
) -> None:
    """The operations in botocore's data are those that the template's policies allow."""
    described = {
        f"{service.name}:{name}"
        for service in (layers["DependenciesLayer"] / "botocore" / "data").iterdir()
        if service.is_dir() and service.name != "sts"  # the policies' own business
        for file in service.glob("*/service-2.json")
        for name in json.loads(file.read_text())["operations"]
    }
    template = yaml.load((places.root / "template.yaml").read_text(), Loader=CloudYaml)  # noqa: S506 - a safe one
    allowed = {
        action
        for name, role in template["Resources"].items()
        if role["Type"] == "AWS::IAM::Role"
        for action in actions(role["Properties"])
        if action.startswith(("dynamodb:", "ssm:", "sns:"))
    }
    # A check within a transaction is an action, and no operation; the transaction is the reverse.
    both = {"dynamodb:ConditionCheckItem", "dynamodb:TransactWriteItems"}
    assert described - both == allowed - both


def actions(node: Any) -> Iterator[str]:
    """Every action that a policy names."""
    if isinstance(node, list):
        for one in node:
            yield from actions(one)
    elif isinstance(node, dict):
        named = node.get("Action", [])
        yield from [named] if isinstance(named, str) else named
        for one in node.values():
            yield from actions(one)


def test_what_runs_on_a_traders_machine_is_not_shipped(layers: dict[str, Path]) -> None:
    rooms = {path.name for path in (layers["TradingLayer"] / "crypto_ai_bot").iterdir()}
    assert {"domain", "usecases", "runtime"} <= rooms
    assert not rooms & {"cli", "backtest", "local"}


def test_nothing_is_built_again_while_nothing_has_changed(places: Places) -> None:
    first = build(places)
    places.log("build").unlink(missing_ok=True)
    assert build(places) == first
    assert not places.log("build").exists()
