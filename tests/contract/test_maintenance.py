"""cab-maintenance on tables of each engine: what it shows, refuses, and leaves alone."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contract.conftest import new_mark, no_wait
from contract.examples import EVENT, RULES
from crypto_ai_bot.cli.maintenance import Upkeep, _parser, act
from crypto_ai_bot.domain.errors import BadSetting, SchemaUnknown
from crypto_ai_bot.domain.market import DAY_MS, Symbol
from crypto_ai_bot.ports.store import Advance, Create
from crypto_ai_bot.storage.actions import Item, Put, Table
from crypto_ai_bot.storage.conditions import Absent, Present
from crypto_ai_bot.storage.snapshot import snapshot
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable
from crypto_ai_bot.storage.vacuum import expired, remove
from traded_books import TradedBooks

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_MS = 1_678_363_900_000
ENGINES = ["memory", pytest.param("ministack", marks=pytest.mark.cloud)]

# What differs between the DynamoDB doubles is held in test_whole_table; moto is slow here.
pytestmark = pytest.mark.parametrize("table", ENGINES, indirect=True)
type Run = Callable[..., int]


@pytest.fixture
def upkeep(table: Table, table_name: str, ministack_client: "DynamoDBClient") -> Upkeep:
    """The commands on a table of each engine; other tables are made in ministack."""

    def named(name: str) -> DynamoTable:
        return DynamoTable(ministack_client, name, new_mark, no_wait)

    return Upkeep(table, table_name, named, NOW_MS, retention_days=30)


@pytest.fixture
def run(upkeep: Upkeep, tmp_path: Path) -> Run:
    def run_it(action: str, *arguments: str) -> int:
        folder = ["--folder", str(tmp_path)] if action in {"backup", "list", "rotate"} else []
        return act(_parser().parse_args([action, *folder, *arguments]), upkeep)

    return run_it


def backed_up(run: Run, folder: Path) -> Path:
    assert run("backup") == 0
    (path,) = folder.glob("*.jsonl.gz")
    return path


def test_a_backup_restored_to_a_new_table_is_the_same_table(
    run: Run, upkeep: Upkeep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TradedBooks(upkeep.table).traded()
    path = backed_up(run, tmp_path)
    new = f"{upkeep.table_name}-restored"
    assert run("restore", str(path), "--to", new) == 0
    assert snapshot(upkeep.table_named(new)) == snapshot(upkeep.table)
    assert "read back and equal" in capsys.readouterr().out
    store = TableStore(upkeep.table_named(new), "paper")
    assert store.glance().ledgers == TableStore(upkeep.table, "paper").glance().ledgers


def test_a_restore_never_touches_a_table_that_is_there(
    run: Run, upkeep: Upkeep, tmp_path: Path
) -> None:
    TradedBooks(upkeep.table).traded()
    path = backed_up(run, tmp_path)
    new = f"{upkeep.table_name}-taken"
    upkeep.table_named(new).make()
    with pytest.raises(BadSetting, match="exists: name one that does not"):
        run("restore", str(path), "--to", new)
    assert upkeep.table_named(new).scan() == []


def test_a_broken_backup_makes_no_table(run: Run, upkeep: Upkeep, tmp_path: Path) -> None:
    TradedBooks(upkeep.table).traded()
    path = backed_up(run, tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    new = f"{upkeep.table_name}-broken"
    with pytest.raises(BadSetting, match="cut or damaged"):
        run("restore", str(path), "--to", new)
    upkeep.table_named(new).make()  # is still free to be made


def test_a_restore_tells_of_books_that_did_not_add_up_when_they_were_saved(
    run: Run, upkeep: Upkeep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TradedBooks(upkeep.table).traded().change("account", realised_quote="5")
    path = backed_up(run, tmp_path)
    assert run("restore", str(path), "--to", f"{upkeep.table_name}-odd") == 1
    assert "realised" in capsys.readouterr().out


def test_integrity_passes_books_that_add_up_and_shows_what_does_not(
    run: Run, upkeep: Upkeep, capsys: pytest.CaptureFixture[str]
) -> None:
    books = TradedBooks(upkeep.table).traded()
    assert run("integrity") == 0
    assert "the books add up" in capsys.readouterr().out
    books.change("account", realised_quote="5", fills=9)
    assert run("integrity") == 1
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["account", "of", "what", "recorded"]
    assert [row.split()[3] for row in rows] == ["realised", "fills"]
    assert run("integrity", "--json") == 1
    told = json.loads(capsys.readouterr().out)["differences"]
    assert told[1]["recorded"] == "9"
    assert told[1]["recounted"] == "10"


def test_an_item_of_a_newer_program_stops_integrity_and_not_a_backup(
    run: Run, upkeep: Upkeep, tmp_path: Path
) -> None:
    TradedBooks(upkeep.table).traded().change("account", schema=99)
    with pytest.raises(SchemaUnknown, match="paper#HOT / ACCOUNT"):
        run("integrity")
    path = backed_up(run, tmp_path)
    with pytest.raises(SchemaUnknown):
        run("restore", str(path), "--to", f"{upkeep.table_name}-newer")
    upkeep.table_named(f"{upkeep.table_name}-newer").make()


@pytest.mark.parametrize("action", ["backup", "integrity", "vacuum"])
def test_an_empty_table_is_said_to_be_empty(
    run: Run, upkeep: Upkeep, tmp_path: Path, action: str
) -> None:
    with pytest.raises(BadSetting, match=f"table {upkeep.table_name} is empty"):
        run(action)
    assert list(tmp_path.iterdir()) == []


def expire(table: Table) -> None:
    """An event whose time is over, one whose time is not, and rules that nobody reads."""
    store = TableStore(table, "paper", event_ttl_seconds=60)
    store.commit([Create(replace(EVENT, event_id="old", at_ms=NOW_MS - DAY_MS))])
    store.commit([Create(replace(EVENT, event_id="new", at_ms=NOW_MS))])
    store.commit(
        [Advance(replace(RULES, symbol=Symbol("LTC", "USDT"), read_ms=NOW_MS - 9 * DAY_MS))]
    )
    store.commit([Advance(replace(RULES, symbol=Symbol("ADA", "USDT"), read_ms=NOW_MS))])


def test_vacuum_removes_what_expired_and_what_belongs_to_nothing_and_nothing_else(
    run: Run, upkeep: Upkeep, capsys: pytest.CaptureFixture[str]
) -> None:
    TradedBooks(upkeep.table).traded()
    expire(upkeep.table)
    before = snapshot(upkeep.table)
    assert run("vacuum", "--dry-run") == 0
    assert snapshot(upkeep.table) == before
    capsys.readouterr()
    assert run("vacuum", "--json") == 0
    removed = json.loads(capsys.readouterr().out)["removed"]
    assert removed == [["paper#EVENT#old", "EVENT"], ["paper#HOT", "RULES#LTC/USDT"]]
    gone = [one for one in before if one not in snapshot(upkeep.table)]
    assert [[one["pk"], one["sk"]] for one in gone] == removed
    assert run("integrity") == 0


def test_vacuum_leaves_an_item_that_was_written_anew_since_it_was_read(upkeep: Upkeep) -> None:
    expire(upkeep.table)
    over = list(expired(snapshot(upkeep.table), NOW_MS))
    (old,) = [item for item in upkeep.table.scan() if item["pk"].endswith("#old")]
    upkeep.table.write([Put({**old, "expires_at": NOW_MS}, Present())])
    assert remove(upkeep.table, over) == []


def test_a_backup_restored_late_leaves_out_what_expired_meanwhile(
    run: Run, upkeep: Upkeep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expire(upkeep.table)
    path = backed_up(run, tmp_path)
    new = f"{upkeep.table_name}-late"
    assert run("restore", str(path), "--to", new) == 0
    assert "1 expired ones were left out" in capsys.readouterr().out
    assert len(upkeep.table_named(new).scan()) == len(upkeep.table.scan()) - 1


def test_rules_of_a_symbol_with_a_ledger_stay_however_old(run: Run, upkeep: Upkeep) -> None:
    books = TradedBooks(upkeep.table).traded()
    books.change("rules", read_ms=NOW_MS - 99 * DAY_MS)
    before = books.items("rules")
    assert run("vacuum") == 0
    assert books.items("rules") == before


class Forgetting(DynamoTable):
    """A table that does not take the last item, and says that it did."""

    def fill(self, items: Iterable[Item]) -> None:
        super().fill([*items][:-1])


def test_a_new_table_that_is_not_what_was_saved_is_told_of(
    run: Run, upkeep: Upkeep, tmp_path: Path, ministack_client: "DynamoDBClient"
) -> None:
    TradedBooks(upkeep.table).traded()
    path = backed_up(run, tmp_path)
    new = f"{upkeep.table_name}-forgetting"
    forgetting = replace(
        upkeep, table_named=lambda name: Forgetting(ministack_client, name, new_mark, no_wait)
    )
    options = _parser().parse_args(["restore", str(path), "--to", new])
    with pytest.raises(BadSetting, match=f"table {new} is not what .* holds: remove it"):
        act(options, forgetting)


def test_list_shows_each_backup_and_which_is_broken(
    run: Run, upkeep: Upkeep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upkeep.table.write([Put({"pk": "paper#X", "sk": "X", "entity": "event"}, Absent())])
    path = backed_up(run, tmp_path)
    assert run("list") == 0
    assert "whole" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1])
    assert run("list") == 1
    assert "not a whole gzip file" in capsys.readouterr().out


def test_list_and_rotate_of_no_backups_say_so(run: Run, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no backup in it"):
        run("list")
    missing = str(tmp_path / "missing")
    for action in ("list", "rotate"):
        with pytest.raises(BadSetting, match="no such folder of backups"):
            run(action, "--folder", missing)


@pytest.mark.parametrize("days", ["0", "-1"])
def test_rotate_refuses_to_keep_nothing(run: Run, days: str) -> None:
    with pytest.raises(BadSetting, match=f"--days {days}: must be at least 1"):
        run("rotate", "--days", days)


def test_rotate_removes_what_is_too_old_and_says_so(
    run: Run, upkeep: Upkeep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TradedBooks(upkeep.table).traded()
    for days in (40, 10, 0):
        options = _parser().parse_args(["backup", "--folder", str(tmp_path)])
        assert act(options, replace(upkeep, now_ms=NOW_MS - days * DAY_MS)) == 0
    old, newer, newest = sorted(tmp_path.iterdir())
    capsys.readouterr()
    assert run("rotate") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"removed {old}",
        "1 removed, 2 kept (30 days)",
    ]
    assert run("rotate", "--days", "5", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"removed": [str(newer)], "kept": 1}
    assert list(tmp_path.iterdir()) == [newest]
