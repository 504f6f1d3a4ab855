"""DynamoDB for tests: ministack on the loopback, clients with our retry mode, our table in it."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def new_client(endpoint: str | None = None, tries: int = 3) -> "DynamoDBClient":
    """A client of its own session, so that threads may have one each; None reaches moto."""
    session = boto3.session.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
    )
    config = Config(
        retries={"mode": "standard", "total_max_attempts": tries},
        connect_timeout=2,
        read_timeout=20,
    )
    return session.client("dynamodb", endpoint_url=endpoint, config=config)


def make_table(client: "DynamoDBClient", name: str) -> None:
    """The table of template.yaml: two keys, one sparse index."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "unresolved", "AttributeType": "S"},
            {"AttributeName": "since_ms", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "unresolved",
                "KeySchema": [
                    {"AttributeName": "unresolved", "KeyType": "HASH"},
                    {"AttributeName": "since_ms", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def free_port() -> int:
    """A port of the loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_ministack(host: str = "127.0.0.1") -> Iterator[str]:
    """The endpoint of a ministack that lives as long as the block; `host` is this machine."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env={
            "PATH": os.environ["PATH"],  # noqa: TID251 - a child process needs one to start
            "BIND_HOST": host,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",  # else it opens a port on every address
            "SFTP_ENABLED": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if "Ready" in line:
                break
        else:
            raise RuntimeError("ministack ended before it was ready:\n" + "".join(said))
        # Its log must be read on, or it stops at a full pipe.
        threading.Thread(target=said.extend, args=(process.stdout,), daemon=True).start()
        yield f"http://{host}:{port}"
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
