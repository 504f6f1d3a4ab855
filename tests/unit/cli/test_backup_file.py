"""A backup is whole or refused, and nothing but a whole one gets the name of one."""

import gzip
import json
from pathlib import Path

import pytest

from crypto_ai_bot.cli.backup_file import read_backup, write_backup
from crypto_ai_bot.cli.backup_folder import backup_path, backups_in, outdated
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import DAY_MS

ITEMS = [
    {"pk": "paper#HOT", "sk": f"LEDGER#{n}", "n": n, "none": None, "in": [1, {}]} for n in "ab"
]
NOW_MS = 1_678_363_200_123


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.jsonl.gz"


def test_what_was_written_is_read_back(path: Path) -> None:
    written = write_backup(path, "books", NOW_MS, ITEMS)
    assert read_backup(path) == (written, ITEMS)
    assert (written.table, written.taken_ms, written.items) == ("books", NOW_MS, 2)


def test_only_its_owner_reads_it(path: Path) -> None:
    write_backup(path, "books", NOW_MS, ITEMS)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_cut_anywhere_is_refused(path: Path) -> None:
    write_backup(path, "books", NOW_MS, ITEMS)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BadSetting, match=r"books\.jsonl\.gz: "):
            read_backup(path)


def test_a_file_with_one_bit_turned_is_refused_or_reads_the_same(path: Path) -> None:
    """The gzip header has bytes (a time, a system) that mean nothing to its content."""
    write_backup(path, "books", NOW_MS, ITEMS)
    whole = path.read_bytes()
    same = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert read_backup(path)[1] == ITEMS
            same += 1
        except BadSetting:
            pass
    assert same < 10


def repacked(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(gzip.compress(b"".join(lines)))


def test_an_item_that_was_changed_taken_or_added_is_refused(path: Path) -> None:
    write_backup(path, "books", NOW_MS, ITEMS)
    head, first, second = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    for lines in ([head, first], [head, second, first], [head, first, second, second]):
        repacked(path, lines)
        with pytest.raises(BadSetting, match="not those that its checksum was made of"):
            read_backup(path)


def test_a_header_that_counts_otherwise_is_refused(path: Path) -> None:
    write_backup(path, "books", NOW_MS, ITEMS)
    head, *rest = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    repacked(path, [json.dumps({**json.loads(head), "items": 3}).encode() + b"\n", *rest])
    with pytest.raises(BadSetting, match="2 items, its header says 3"):
        read_backup(path)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"{}", "no header"),
        (b"not json", "no header"),
        (b"[]", "no header"),
        (b"", "no header"),
    ],
)
def test_a_gzip_file_of_something_else_is_refused(path: Path, head: bytes, why: str) -> None:
    repacked(path, [head])
    with pytest.raises(BadSetting, match=why):
        read_backup(path)


def test_a_form_of_another_version_is_refused(path: Path) -> None:
    write_backup(path, "books", NOW_MS, ITEMS)
    head, *rest = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    newer = json.dumps({**json.loads(head), "format": "crypto-ai-bot backup 2"}).encode() + b"\n"
    repacked(path, [newer, *rest])
    with pytest.raises(BadSetting, match="only 'crypto-ai-bot backup 1' can be read"):
        read_backup(path)


def test_a_place_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="cannot be written"):
        write_backup(tmp_path / "file" / "b.jsonl.gz", "books", NOW_MS, ITEMS)
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(BadSetting, match="cannot be written"):
        write_backup(taken, "books", NOW_MS, ITEMS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


def test_the_name_tells_table_and_moment(tmp_path: Path) -> None:
    path = backup_path(tmp_path, "crypto-ai-bot_1.a", NOW_MS)
    assert path.name == "crypto-ai-bot_1.a-20230309T120000123Z.jsonl.gz"
    write_backup(path, "crypto-ai-bot_1.a", NOW_MS, ITEMS)
    (tmp_path / "notes.txt").write_text("not a backup")
    (tmp_path / "t-20239999T120000123Z.jsonl.gz").write_text("no such day")
    (found,) = backups_in(tmp_path)
    assert (found.table, found.taken_ms) == ("crypto-ai-bot_1.a", NOW_MS)


def backed_up(folder: Path, table: str, days_ago: int, *, whole: bool = True) -> None:
    taken_ms = NOW_MS - days_ago * DAY_MS
    path = backup_path(folder, table, taken_ms)
    write_backup(path, table, taken_ms, ITEMS)
    if not whole:
        path.write_bytes(path.read_bytes()[:-9])


def days_old(folder: Path) -> list[int]:
    old = outdated(backups_in(folder), NOW_MS, 30)
    return sorted((NOW_MS - backup.taken_ms) // DAY_MS for backup in old)


def test_what_is_older_than_the_days_to_keep_is_outdated(tmp_path: Path) -> None:
    for days in (1, 30, 31, 90):
        backed_up(tmp_path, "a", days)
    assert days_old(tmp_path) == [31, 90]


def test_the_last_whole_backup_of_a_table_stays_however_old(tmp_path: Path) -> None:
    backed_up(tmp_path, "a", 50)
    backed_up(tmp_path, "a", 40)
    backed_up(tmp_path, "a", 35, whole=False)
    backed_up(tmp_path, "a", 2, whole=False)
    backed_up(tmp_path, "b", 1)
    assert days_old(tmp_path) == [35, 50]
