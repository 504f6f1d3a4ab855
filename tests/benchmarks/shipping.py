"""What is shipped, and what a first invocation of it costs against a naive app.

The naive app has the packages that performance 2 of the reference names, built as `sam build` does
without a makefile: wheels unzipped, no bytecode. Both start in a bare interpreter.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.cold_start import App, FirstInvocation
from crypto_ai_bot.local.build import build, sam
from crypto_ai_bot.local.places import Places, project_root

MEGABYTE = 1_000_000
TRIES = 5
LAYERS = ("DependenciesLayer", "TradingLayer")
# What Lambda's managed runtime brings, and neither app ships.
RUNTIME_CLIENT = "awslambdaric==4.2.2"
NAIVE_PACKAGES = ("aws-lambda-powertools", "boto3", "ccxt", "pydantic")


class Shipping(NamedTuple):
    """The least disturbed first invocations of both, and the size of our layers unzipped."""

    ours: FirstInvocation
    naive: FirstInvocation
    layers_mb: float


def measure_shipping(variables: Mapping[str, str]) -> Shipping:
    """Builds both apps and starts them in turn; `variables` say where table and exchange are."""
    with TemporaryDirectory() as folder, _apps(Path(folder), variables) as (ours, naive, layers_mb):
        minute = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:00Z")  # noqa: TID251 - a real tick's
        event = {"job": "evaluate", "scheduled_time": minute, "execution_id": "b", "attempt": "1"}
        emulators = _emulators()
        seen = [
            (ours.first_invocation(emulators, event), naive.first_invocation(emulators, event))
            for _ in range(TRIES)
        ]
    for answer in (seen[0][0].answer, seen[0][1].answer):
        if "errorType" in answer:
            raise RuntimeError(f"an app did not run: {answer}")
    return Shipping(
        min((one for one, _ in seen), key=lambda found: found.ms),
        min((other for _, other in seen), key=lambda found: found.ms),
        layers_mb,
    )


@contextmanager
def _apps(folder: Path, variables: Mapping[str, str]) -> Iterator[tuple[App, App, float]]:
    root = project_root()
    places = Places(root, folder / "home")
    build(places)
    layers = [places.made / "build" / name / "python" for name in LAYERS]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "bare"], check=True)
    _install(folder / "runtime", RUNTIME_CLIENT, compiled=True)
    _install(folder / "naive", *NAIVE_PACKAGES, compiled=False)
    python, runtime = folder / "bare" / "bin" / "python", folder / "runtime"
    ours = App(python, root / "functions" / "evaluate", [*layers, runtime], variables)
    naive_app = root / "tests" / "benchmarks" / "naive"
    naive = App(python, naive_app, [folder / "naive", runtime], variables)
    files = [file for layer in layers for file in layer.rglob("*") if file.is_file()]
    yield ours, naive, sum(file.stat().st_size for file in files) / MEGABYTE


def _install(folder: Path, *packages: str, compiled: bool) -> None:
    constraints = project_root() / "requirements.lock"
    compiling = ["--compile-bytecode"] if compiled else []
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder)),
            *("--python", sys.executable, "--constraint", str(constraints), *compiling, *packages),
        ],
        check=True,
    )


def _emulators() -> Path:
    """The folder of Lambda's runtime emulators, inside the SAM CLI."""
    (folder,) = (
        sam(Places(project_root(), Path()))
        .resolve()
        .parents[1]
        .glob("lib/python*/site-packages/samcli/local/rapid")
    )
    return folder
