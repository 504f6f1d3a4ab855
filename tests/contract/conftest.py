"""The three tables that one contract is held against: in memory, moto, ministack."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from moto import mock_aws

from contract.embedded_dynamodb import make_table, new_client, running_ministack
from crypto_ai_bot.ports.store import Store
from crypto_ai_bot.storage.actions import Table
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NUMBERS = itertools.count(1)


def new_mark() -> str:
    return uuid4().hex


def no_wait(_attempt: int) -> None:
    """Waits for nothing: what is in the way in a test does not go away by waiting."""


@pytest.fixture(scope="session")
def ministack() -> Iterator[str]:
    """The endpoint of an embedded cloud."""
    with running_ministack() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def ministack_client(ministack: str) -> Iterator["DynamoDBClient"]:
    client = new_client(ministack)
    yield client
    client.close()


@pytest.fixture(scope="session")
def moto_client() -> Iterator["DynamoDBClient"]:
    """Quick and in process; not atomic under threads: never for races."""
    with mock_aws():
        yield new_client()


@pytest.fixture
def table_name() -> str:
    """A name that no other test uses."""
    return f"books-{next(_NUMBERS)}"


@pytest.fixture(
    params=["moto_client", pytest.param("ministack_client", marks=pytest.mark.cloud)],
    ids=["moto", "ministack"],
)
def dynamodb(request: pytest.FixtureRequest, table_name: str) -> "DynamoDBClient":
    """A client of either DynamoDB, with an empty table `table_name`."""
    client: DynamoDBClient = request.getfixturevalue(request.param)
    make_table(client, table_name)
    return client


@pytest.fixture(
    params=["memory", "moto", pytest.param("ministack", marks=pytest.mark.cloud)],
)
def table(request: pytest.FixtureRequest, table_name: str) -> Table:
    """An empty table of each engine."""
    if request.param == "memory":
        return MemoryTable()
    client: DynamoDBClient = request.getfixturevalue(f"{request.param}_client")
    make_table(client, table_name)
    return DynamoTable(client, table_name, new_mark, no_wait)


@pytest.fixture
def store(table: Table) -> Store:
    """Empty books, kept for good."""
    return TableStore(table, "paper")
