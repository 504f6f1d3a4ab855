"""A first invocation under Lambda's own runtime client, in the emulator that the SAM CLI brings.

The emulator starts the runtime inside the first invocation, so that its duration is all of the
cold start that is ours. No app may write bytecode, as in Lambda, where layers are read-only.
"""

import json
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen  # noqa: TID251 - the emulator is invoked over HTTP

from contract.embedded_dynamodb import free_port
from crypto_ai_bot.local.build import architecture

_PATH = "/2015-03-31/functions/function/invocations"
_DURATION = re.compile(r"^REPORT .*?\tDuration: ([\d.]+) ms", re.MULTILINE)
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class FirstInvocation:
    """How long it took, what the runtime's process cost until then, and what it answered.

    `cpu_ms` is counted in steps of ten; `rss_mb` is the most memory that it held.
    """

    ms: float
    cpu_ms: float
    rss_mb: float
    answer: Any


@dataclass(frozen=True, slots=True)
class App:
    """A function as Lambda sees it: where its `app.handler` is, and what is on the path besides."""

    python: Path
    folder: Path
    layers: Sequence[Path]
    variables: Mapping[str, str]

    def first_invocation(self, rapid: Path, event: Mapping[str, Any]) -> FirstInvocation:
        """Invokes a fresh process once; `rapid` is the SAM CLI's folder of emulators."""
        with self._emulated(rapid) as (process, url, said):
            body = json.dumps(event).encode()
            with urlopen(url, body, timeout=_SECONDS_MAX) as response:  # noqa: S310 - our own
                answer = json.loads(response.read())
            runtime = _only_child(process.pid)
            cpu_ms, rss_mb = _cpu_ms(runtime), _peak_mb(runtime)
        told = _DURATION.search("".join(said))
        assert told, "".join(said)
        return FirstInvocation(float(told[1]), cpu_ms, rss_mb, answer)

    @contextmanager
    def _emulated(self, rapid: Path) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
        address = f"127.0.0.1:{free_port()}"
        process = subprocess.Popen(
            [
                rapid / f"aws-lambda-rie-{architecture()}",
                *("--runtime-interface-emulator-address", address),
                *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
                *(self.python, "-m", "awslambdaric", "app.handler"),
            ],
            cwd=self.folder,
            env={
                **self.variables,
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": ":".join(map(str, (self.folder, *self.layers))),
                "PYTHONDONTWRITEBYTECODE": "1",
                "LAMBDA_TASK_ROOT": str(self.folder),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(_SECONDS_MAX),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said: list[str] = []
        assert process.stdout
        reader = threading.Thread(target=said.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            _wait_until_it_listens(address)
            yield process, f"http://{address}{_PATH}", said
        finally:
            process.terminate()
            process.wait(10)
            reader.join(10)
            process.stdout.close()


def _wait_until_it_listens(address: str) -> None:
    host, _, port = address.partition(":")
    pause = threading.Event()
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        pause.wait(0.02)
    raise RuntimeError(f"the emulator does not listen on {address}")


def _only_child(parent: int) -> Path:
    """What the system tells of the one process that `parent` has started."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    (child,) = {pid for task in tasks for pid in task.read_text().split()}
    return Path("/proc") / child


def _cpu_ms(process: Path) -> float:
    user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) * 1_000 / os.sysconf("SC_CLK_TCK")


def _peak_mb(process: Path) -> float:
    told = _PEAK.search((process / "status").read_text())
    assert told
    return int(told[1]) * 1_024 / 1_000_000
