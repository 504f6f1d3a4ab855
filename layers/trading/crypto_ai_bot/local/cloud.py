"""The embedded cloud: ministack on the loopback, its state in a folder that is ours alone."""

import fcntl
import http.client
import os
import platform
import shutil
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

import boto3
from botocore.config import Config

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.places import Places
from crypto_ai_bot.local.processes import LOOPBACK, child, free_port

REGION = "us-east-1"
# Never credentials of an account: whatever a person's environment holds is not looked at.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# Only these are started; among the others some open ports of their own on every interface.
_SERVICES = (
    "apigateway,cloudformation,dynamodb,events,iam,kms,lambda,logs,monitoring"
    ",s3,scheduler,sns,sqs,ssm,sts"
)
_LOCK_TRIES, _LOCK_PAUSE_SECONDS = 50, 0.1
# One invoke is one run: a client that retries would make two. The read outlasts any function.
_CLIENT = Config(retries={"total_max_attempts": 1}, read_timeout=120, connect_timeout=5)


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running embedded cloud: its process, and the program that its functions run under."""

    port: int
    pid: int
    interpreter: Path

    @property
    def endpoint(self) -> str:
        """What AWS_ENDPOINT_URL is to be."""
        return f"http://{LOOPBACK}:{self.port}"

    def client(self, service: Any) -> Any:
        """The client for one service, here and nowhere else; safe under threads."""
        return _client(self.endpoint, service)


@cache
def _client(endpoint: str, service: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=_CLIENT,
    )


@contextmanager
def embedded_cloud(
    places: Places, port: int | None = None, *, calls: Path | None = None
) -> Iterator[Cloud]:
    """Run the embedded cloud until the context ends; its state is saved then.

    `port` is taken when it is free. With `calls` it enforces the roles' policies, and adds to that
    file whatever they are asked. A second cloud on the same state is refused: the two would
    overwrite each other.
    """
    state, scratch = places.cloud / "state", places.cloud / "scratch"
    port = free_port(port)
    with _alone(places.cloud) as lock:
        shutil.rmtree(scratch, ignore_errors=True)
        for folder in (state, scratch):
            folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **CREDENTIALS,
            "PATH": os.defpath,
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "SERVICES": _SERVICES,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state),
            "AUTH": "true" if calls else "false",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        interpreter = bare_interpreter(places.made)
        try:
            with child(
                "crypto_ai_bot.local.embedded_cloud",
                [str(interpreter), *([str(calls)] if calls else [])],
                log=places.log("cloud"),
                environment=environment,
                answers=lambda: _ready(port),
                keep_open=lock,
            ) as process:
                yield Cloud(port, process.pid, interpreter)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Hold the folder's lock. The cloud's process holds it too, until its state is saved."""
    folder.mkdir(parents=True, exist_ok=True)
    pause = Event()
    with (folder / "lock").open("w") as lock:
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pause.wait(_LOCK_PAUSE_SECONDS)
            else:
                yield lock.fileno()
                return
    raise RehearsalError(f"{folder}: in use by another rehearsal; stop that one first")


def bare_interpreter(made: Path) -> Path:
    """A Python that knows the standard library alone."""
    folder = made / f"lambda-python-{platform.python_version()}"
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, symlinks=True, with_pip=False)
    return interpreter


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
