"""`sam local` as an operator calls it: the built functions in containers, state beside them."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto_ai_bot.local.build import architecture, built_template, sam
from crypto_ai_bot.local.places import Places
from crypto_ai_bot.local.processes import LOOPBACK, free_port, listens
from e2e.container_engine import Engine

HOST = "host.docker.internal"  # this machine, from within a container
SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class SamLocal:
    """What is run and where. `cloud` is asked for the account: it would be AWS otherwise."""

    places: Places
    template: Path
    engine: Engine
    image: str
    variables: Path
    cloud: str

    def invoke(self, function: str, event: Any) -> Any:
        """What `sam local invoke` prints last: the function's answer, or its error."""
        done = subprocess.run(
            [*self._command("invoke", function), "--event", "-"],
            env=self._environment(),
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
        lines = done.stdout.strip().splitlines()
        assert lines, done.stderr
        return json.loads(lines[-1])

    @contextmanager
    def api(self) -> Iterator[int]:
        """The port on which `sam local start-api` serves."""
        port = free_port()
        process = subprocess.Popen(
            [
                *self._command("start-api"),
                *("--host", LOOPBACK, "--port", str(port), "--warm-containers", "LAZY"),
            ],
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        pause = threading.Event()
        try:
            for _ in range(SECONDS_MAX * 5):
                if listens(port):
                    break
                assert process.poll() is None, process.communicate()[1]
                pause.wait(0.2)
            yield port
        finally:
            process.terminate()
            process.communicate(timeout=60)

    def _command(self, *words: str) -> list[str]:
        return [
            *(str(sam(self.places)), "local", *words, "--template", str(self.template)),
            *("--env-vars", str(self.variables)),
            *("--skip-pull-image", "--invoke-image", self.image),
            *("--add-host", f"{HOST}:{self.engine.gateway}"),
            *("--parameter-overrides", f"Architecture={architecture()}"),
        ]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,  # noqa: TID251 - handed on to a tool
            "DOCKER_HOST": self.engine.host,
            "HOME": str(self.places.home),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_ENDPOINT_URL_STS": self.cloud,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def copied_build(places: Places, folder: Path, strategy: Path) -> Path:
    """The template of the finished build, copied, with one more strategy in its layer."""
    build = shutil.copytree(built_template(places).parent, folder)
    shutil.copy(strategy, build / "TradingLayer" / "python" / "crypto_ai_bot" / "strategies")
    return build / "template.yaml"


def written_variables(sample: Path, target: Path, **changes: str) -> Path:
    """The sample of --env-vars, changed and written elsewhere."""
    variables = json.loads(sample.read_text())
    unknown = changes.keys() - variables["Parameters"].keys()
    assert not unknown, f"{sample} has no {unknown}"
    variables["Parameters"] |= changes
    target.write_text(json.dumps(variables))
    return target
