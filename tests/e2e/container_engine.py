"""A container engine for tests: the one that runs here, or one of our own as long as they last."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from crypto_ai_bot.local.processes import last_line

_START_SECONDS = 30


class NoEngine(Exception):  # noqa: N818 - says what there is
    """Why no engine can be had on this machine."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Where an engine listens."""

    host: str

    def docker(self, *arguments: str | Path) -> str:
        """What a command of its client prints."""
        done = subprocess.run(
            ["docker", "--host", self.host, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    @property
    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return bool(self.docker("version", "--format", "{{.Server.Version}}"))
        except (OSError, subprocess.CalledProcessError):
            return False

    @property
    def gateway(self) -> str:
        """This machine's address, as containers see it."""
        shown = "{{with index .IPAM.Config 0}}{{.Gateway}} {{.Subnet}}{{end}}"
        *gateway, subnet = self.docker("network", "inspect", "bridge", "--format", shown).split()
        # A bridge that an earlier engine has left is told without its gateway: its first address.
        return gateway[0] if gateway else str(ip_network(subnet)[1])


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """The engine that answers at the usual place, or one that keeps everything in `folder`.

    Raises NoEngine with the reason.
    """
    usual = Engine("unix:///var/run/docker.sock")
    if shutil.which("docker") and usual.answers:
        if not _is_ours(usual.gateway):
            raise NoEngine("the engine's containers see this machine under another's address")
        yield usual
        return
    if not (shutil.which("docker") and shutil.which("dockerd")):
        raise NoEngine("no container engine is installed (Debian: apt-get install docker.io)")
    if os.geteuid():
        raise NoEngine("no container engine runs, and only root can start one")
    engine, log = Engine(f"unix://{folder}/docker.sock"), folder / "dockerd.log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [
                *("dockerd", "--host", engine.host, "--pidfile", folder / "pid"),
                *("--data-root", folder / "data", "--exec-root", folder / "exec"),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_answers(engine, daemon, log)
        yield engine
    finally:
        daemon.terminate()
        daemon.wait(60)


def _is_ours(address: str) -> bool:
    """Whether we can listen there: not where the engine has a machine of its own."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _wait_until_it_answers(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    pause = threading.Event()
    for _ in range(_START_SECONDS * 5):
        if engine.answers:
            return
        if daemon.poll() is not None:
            break
        pause.wait(0.2)
    raise NoEngine(f"dockerd did not start here: {last_line(log)}")
