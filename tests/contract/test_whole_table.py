"""What looks after a table asks of each engine: all of it, removing under a condition, anew."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from contract.conftest import new_mark, no_wait
from contract.embedded_dynamodb import make_table, new_client
from crypto_ai_bot.domain.errors import BadSetting, StoreUnavailable
from crypto_ai_bot.storage.actions import Action, Delete, Item, Key, Put, Table
from crypto_ai_bot.storage.conditions import Absent, AtMost, Equals, Present
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.snapshot import READINGS_MAX, snapshot
from crypto_ai_bot.storage.table import TRIES_MAX, DynamoTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def item(pk: str, sk: str = "A", **fields: str | int) -> Item:
    return {"pk": pk, "sk": sk, **fields}


def keys(items: list[Item]) -> list[tuple[str, str]]:
    return sorted((one["pk"], one["sk"]) for one in items)


def test_a_scan_finds_every_item_of_every_partition(table: Table) -> None:
    assert table.scan() == []
    for pk in "abc":
        for sk in "12":
            table.write([Put(item(pk, sk), Absent())])
    assert keys(table.scan()) == [(pk, sk) for pk in "abc" for sk in "12"]


def test_a_scan_goes_on_where_a_page_of_a_megabyte_ends(table: Table) -> None:
    for number in range(8):
        table.write([Put(item("big", str(number), text="x" * 300_000), Absent())])
    assert keys(table.scan()) == [("big", str(number)) for number in range(8)]


def test_an_item_is_removed_while_its_condition_holds(table: Table) -> None:
    table.write([Put(item("a", expires_at=5, unresolved="due", since_ms=1), Absent())])
    gone = Delete(Key("a", "A"), AtMost("expires_at", 4))
    assert table.write([gone]) == 0
    assert table.get(gone.key)
    assert table.write([Delete(gone.key, AtMost("expires_at", 5))]) is None
    assert table.get(gone.key) is None
    assert table.query("a") == []
    assert table.indexed("due") == []
    assert table.write([Delete(gone.key, Present())]) == 0


def test_a_removal_is_part_of_a_transaction_like_any_write(table: Table) -> None:
    table.write([Put(item("a", version=1), Absent())])
    both: list[Action] = [Put(item("b"), Absent()), Delete(Key("a", "A"), Equals("version", 2))]
    assert table.write(both) == 1
    assert keys(table.scan()) == [("a", "A")]
    both[1] = Delete(Key("a", "A"), Equals("version", 1))
    assert table.write(both) is None
    assert keys(table.scan()) == [("b", "A")]


def test_a_new_table_holds_what_it_was_filled_with(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    made = DynamoTable(dynamodb, f"{table_name}-new", new_mark, no_wait)
    made.make()
    items = [item("a", f"{number:03d}", unresolved="due", since_ms=number) for number in range(60)]
    made.fill(items)
    made.keep()
    assert snapshot(made) == items
    assert made.indexed("due", 2) == items[:2]
    told = dynamodb.describe_time_to_live(TableName=f"{table_name}-new")
    assert told["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    shape = dynamodb.describe_table(TableName=f"{table_name}-new")["Table"]
    assert shape["DeletionProtectionEnabled"] is True


def test_a_table_that_is_there_is_never_made_anew(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    there = DynamoTable(dynamodb, table_name, new_mark, no_wait)
    with pytest.raises(BadSetting, match=f"table {table_name} exists: name one that does not"):
        there.make()


def test_a_scan_reads_what_the_last_write_left(dynamodb: "DynamoDBClient", table_name: str) -> None:
    asked: list[Any] = []
    event = "provide-client-params.dynamodb.Scan"
    dynamodb.meta.events.register(event, lambda params, **_: asked.append(params))
    DynamoTable(dynamodb, table_name, new_mark, no_wait).scan()
    assert [params["ConsistentRead"] for params in asked] == [True]


def stubbed(unprocessed: int) -> tuple[DynamoTable, Stubber, list[int]]:
    """A table that has no room for a part of a batch, so many times in a row."""
    client = new_client("http://127.0.0.1:1")
    waits: list[int] = []
    rest = {"t": [{"PutRequest": {"Item": {"pk": {"S": "b"}, "sk": {"S": "A"}}}}]}
    stub = Stubber(client)
    for number in range(unprocessed + 1):
        left = rest if number < unprocessed else {}
        expected = {"RequestItems": rest if number else ANY}
        stub.add_response("batch_write_item", {"UnprocessedItems": left}, expected)
    stub.activate()
    return DynamoTable(client, "t", new_mark, waits.append), stub, waits


def test_what_dynamodb_had_no_room_for_is_sent_again() -> None:
    table, stub, waits = stubbed(2)
    table.fill([item("a"), item("b")])
    stub.assert_no_pending_responses()
    assert waits == [1, 2]


def test_a_table_that_stays_full_is_told_of() -> None:
    table, _, _ = stubbed(TRIES_MAX)
    with pytest.raises(StoreUnavailable, match="took only a part"):
        table.fill([item("a"), item("b")])


class Written(MemoryTable):
    """A table that is written to between the pages of a scan: first half, a write, second half."""

    def __init__(self, on_scan: Callable[[int], None]) -> None:
        super().__init__()
        self.scans = 0
        self._on_scan = on_scan

    def scan(self) -> list[Item]:
        before = super().scan()
        self._on_scan(self.scans)
        self.scans += 1
        after = super().scan()
        half = len(before) // 2
        return [*before[:half], *after[half:]]


def moved_until(reading: int) -> Written:
    """Two items that always carry one number, moved in one transaction during each scan."""

    def move(scan: int) -> None:
        if scan < reading:
            table.write([Put(item(pk, number=scan), Present()) for pk in "ab"])

    table = Written(move)
    table.write([Put(item(pk, number=-1), Absent()) for pk in "ab"])
    return table


def test_a_snapshot_is_of_one_moment_though_the_scans_were_not() -> None:
    table = moved_until(2)
    first, second = snapshot(table)
    assert first["number"] == second["number"] == 1
    assert table.scans == 4


def test_a_table_that_is_never_at_rest_is_not_called_read() -> None:
    table = moved_until(99)
    with pytest.raises(StoreUnavailable, match="written while it was read"):
        snapshot(table)
    assert table.scans == READINGS_MAX


def test_heartbeats_do_not_keep_a_table_from_being_read() -> None:
    def beat(scan: int) -> None:
        table.write([Put(item("h", number=scan, entity="heartbeat"), Present())])

    table = Written(beat)
    table.write([Put(item("h", number=-1, entity="heartbeat"), Absent())])
    assert len(snapshot(table)) == 1
    assert table.scans == 2


@pytest.mark.cloud
@pytest.mark.races
def test_no_snapshot_is_torn_by_somebody_who_writes_all_the_time(
    ministack: str, ministack_client: "DynamoDBClient", table_name: str
) -> None:
    """Bursts of transactions on two items beside a reader: what is read is always of one moment."""
    make_table(ministack_client, table_name)
    table = DynamoTable(ministack_client, table_name, new_mark, no_wait)
    table.write([Put(item(pk, number=0), Absent()) for pk in "ab"])
    done = Event()

    def write() -> None:
        writer = DynamoTable(new_client(ministack), table_name, new_mark, no_wait)
        for number in range(1, 121):
            writer.write([Put(item(pk, number=number), Present()) for pk in "ab"])
            if number % 20 == 0:
                done.wait(0.05)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        seen = list[int]()
        while not done.is_set():
            try:
                first, second = snapshot(table)
            except StoreUnavailable:
                continue  # it was never at rest, and said so
            assert first["number"] == second["number"]
            seen.append(first["number"])
        writing.result()
    assert seen
    assert seen == sorted(seen)
