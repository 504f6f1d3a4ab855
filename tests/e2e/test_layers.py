"""What is shipped: bytecode that Lambda can use, no more than is needed, nothing of floor 5."""

from pathlib import Path

import pytest

from crypto_ai_bot.local.build import build
from crypto_ai_bot.local.places import Places

pytestmark = pytest.mark.cloud

MEGABYTE = 1_000_000
UNCHECKED_HASH = 1  # PEP 552: the flags of bytecode that is used whatever its source's time says


@pytest.fixture(scope="module")
def layers(places: Places) -> dict[str, Path]:
    build(places)
    folder = places.made / "build"
    return {name: folder / name / "python" for name in ("DependenciesLayer", "TradingLayer")}


def test_every_module_has_bytecode_that_the_stamp_of_sam_does_not_make_stale(
    layers: dict[str, Path],
) -> None:
    for folder in layers.values():
        modules = list(folder.rglob("*.py"))
        assert modules
        for module in modules:
            compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
            assert int.from_bytes(compiled.read_bytes()[4:8], "little") == UNCHECKED_HASH, module


def test_the_layers_are_small(layers: dict[str, Path]) -> None:
    files = [file for folder in layers.values() for file in folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 55 * MEGABYTE


def test_what_runs_on_a_traders_machine_is_not_shipped(layers: dict[str, Path]) -> None:
    rooms = {path.name for path in (layers["TradingLayer"] / "crypto_ai_bot").iterdir()}
    assert {"domain", "usecases", "runtime"} <= rooms
    assert not rooms & {"cli", "backtest", "local"}


def test_nothing_is_built_again_while_nothing_has_changed(places: Places) -> None:
    first = build(places)
    places.log("build").unlink(missing_ok=True)
    assert build(places) == first
    assert not places.log("build").exists()
