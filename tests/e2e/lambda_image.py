"""A stand-in for Lambda's Python image, made of this machine's own files: no registry is asked.

It has what the SAM CLI and the runtime need: a shell, a few commands, this CPython and Lambda's
runtime client. Whoever has the ordinary image uses that.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from e2e.container_engine import Engine

NAME = "crypto-ai-bot-tests/python:3.13"
RUNTIME_CLIENT = "awslambdaric==4.2.2"
COMMANDS = ("sh", "cp", "mv", "rm", "mkdir", "chmod")
# Of the standard library, what is large and no function's business.
LEFT_OUT = {
    *("__pycache__", "site-packages", "test", "idlelib", "tkinter", "turtledemo"),
    *("ensurepip", "lib2to3", "pydoc_data"),
}
BOOTSTRAP = """#!/bin/sh
export PYTHONPATH=/var/task:/opt/python:/var/runtime
exec /var/lang/bin/python3.13 -m awslambdaric "$_HANDLER"
"""
CHANGES = (
    "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin LANG=en_US.UTF-8 TZ=:UTC",
    "ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime PYTHONDONTWRITEBYTECODE=1",
    "WORKDIR /var/task",
)


def assemble(engine: Engine) -> str:
    """Makes the image in an engine; returns its name."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        _fill(root)
        archive = Path(folder) / "image.tar"
        with tarfile.open(archive, "w") as packed:
            packed.add(root, arcname=".")
        changes = [word for change in CHANGES for word in ("--change", change)]
        engine.docker("import", *changes, archive, NAME)
    return NAME


def _fill(root: Path) -> None:
    for name in ("tmp", "bin", "usr/bin", "var/task", "var/runtime", "var/lang/bin", "opt", "etc"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "var" / "runtime" / "bootstrap").write_text(BOOTSTRAP)
    (root / "var" / "runtime" / "bootstrap").chmod(0o755)
    commands = [Path(shutil.which(name, path="/bin:/usr/bin") or "") for name in COMMANDS]
    for command in commands:
        shutil.copy(command, root / "bin" / command.name)
    python = Path(sys.base_prefix) / "bin" / "python3.13"
    shutil.copy(python, root / "var" / "lang" / "bin")
    library = Path(sys.base_prefix) / "lib" / "python3.13"
    shutil.copytree(
        library,
        root / "var" / "lang" / "lib" / "python3.13",
        ignore=lambda _, names: {n for n in names if n in LEFT_OUT or n.startswith("config-")},
    )
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable),
            *("--target", root / "var" / "runtime", RUNTIME_CLIENT),
        ],
        check=True,
    )
    extensions = [*library.rglob("*.so"), *(root / "var" / "runtime").glob("*.so")]
    for needed in set(_libraries([*commands, python, *extensions])):
        target = root / needed.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(needed, target)


def _libraries(programs: Iterable[Path]) -> Iterator[Path]:
    """The shared libraries that programs are linked with, and the loader."""
    told = subprocess.run(["ldd", *programs], check=False, capture_output=True, text=True).stdout
    for path in re.findall(r"(/\S+) \(0x", told):
        yield Path(path)
    yield from Path("/lib").glob(f"{os.uname().machine}-linux-gnu/libgcc_s.so.1")
