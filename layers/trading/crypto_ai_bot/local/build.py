"""`sam build` for this machine, skipped while nothing that goes in has changed."""

import fcntl
import hashlib
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crypto_ai_bot.local.places import Places
from crypto_ai_bot.local.processes import inherited_environment, run_tool

_INPUTS = ("template.yaml", "functions", "layers")
_FLOOR_FIVE = {"cli", "backtest", "local"}  # not shipped: layers/trading/Makefile


def built_template(places: Places) -> Path:
    """Where `build` leaves the template that `sam deploy` takes (samconfig.toml, local)."""
    return places.made / "build" / "template.yaml"


def build(places: Places) -> str:
    """Build the layers and functions into .local/build; return the hash of what went in."""
    wanted = _hash_of_inputs(places.root)
    stamp = places.made / "build" / ".made-from"
    with _one_at_a_time(places.made / "build.lock"):
        if stamp.is_file() and stamp.read_text() == wanted:
            return wanted
        run_tool(
            [sam(places), "build", "--config-env", "local"],
            log=places.log("build"),
            cwd=places.root,
            environment=inherited_environment(
                PATH=f"{Path(sys.executable).parent}:{_path()}",
                PYTHON=sys.executable,
                LAYER_PLATFORM="host",
                EXCHANGES="gate",  # what rehearsals speak to
                SAM_CLI_TELEMETRY="0",
            ),
        )
        stamp.write_text(wanted)
    return wanted


def sam(places: Places) -> Path:
    """The SAM CLI that make setup installed."""
    return places.made / "sam" / "bin" / "sam"


def architecture() -> str:
    """This machine's processor in the template's words."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def _path() -> str:
    return inherited_environment().get("PATH", "/usr/bin:/bin")


def _hash_of_inputs(root: Path) -> str:
    digest = hashlib.sha256(f"{sys.version} {platform.platform()}".encode())
    for name in _INPUTS:
        for path in sorted(_files(root / name)):
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for inner in path.iterdir():
        if inner.name == "__pycache__":
            continue
        if path.name == "crypto_ai_bot" and inner.name in _FLOOR_FIVE:
            continue
        yield from _files(inner)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
