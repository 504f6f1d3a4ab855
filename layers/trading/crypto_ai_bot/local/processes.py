"""Child processes: started with an environment of our choosing, and stopped whatever happens."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from crypto_ai_bot.local.errors import RehearsalError

LOOPBACK = "127.0.0.1"
_TETHERED = Path(__file__).with_name("tethered.py")


def inherited_environment(**changes: str) -> dict[str, str]:
    """This process's environment with changes: for tools that need the machine's proxies."""
    return {**os.environ, **changes}  # noqa: TID251 - handed on to a tool, decides nothing here


def free_port(wanted: int | None = None) -> int:
    """Return `wanted` while nothing listens there, else a free port on the loopback."""
    for port in (wanted or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RehearsalError("no free port on the loopback")


def run_tool(
    command: Sequence[str | Path], *, log: Path, cwd: Path, environment: Mapping[str, str]
) -> None:
    """Run a command, its output in `log`; a RehearsalError with its last line if it fails."""
    with log.open("w") as output:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        name = f"{Path(command[0]).name} {command[1]}"
        raise RehearsalError(f"{name} failed: {last_line(log)} (all of it: {log})")


def last_line(log: Path) -> str:
    """What a log ends with: commands say there why they gave up."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no word")


@contextmanager
def child(
    module: str,
    arguments: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    answers: Callable[[], bool],
    keep_open: int | None = None,
    start_seconds: float = 30,
    stop_seconds: float = 60,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module's `main` beside us for as long as the context lasts.

    It is ready when `answers()` is true. In a session of its own, so that a Ctrl-C reaches only us
    and it is stopped in order: SIGTERM, and SIGKILL for what is still there after `stop_seconds`.
    `keep_open` is a file that it shares: a lock that is free only when both of us are gone.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, _TETHERED, module, *arguments],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if keep_open is None else (keep_open,),
        )
    try:
        _wait_until(answers, process, module, log, start_seconds)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


def _wait_until(
    answers: Callable[[], bool],
    process: subprocess.Popen[bytes],
    module: str,
    log: Path,
    seconds: float,
) -> None:
    pause, step = Event(), 0.05
    for _ in range(int(seconds / step)):
        if process.poll() is not None:
            raise RehearsalError(f"{last_line(log)} (all of it: {log})")
        if answers():
            return
        pause.wait(step)
    raise RehearsalError(f"{module} did not answer within {seconds:.0f} s, its log is {log}")


def listens(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
