"""The folder of backups: what each is called, which are old, which are whole."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from crypto_ai_bot.cli.backup_file import read_backup
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import DAY_MS

_STAMP: Final = "%Y%m%dT%H%M%S"
_NAME: Final = re.compile(
    r"(?P<table>[A-Za-z0-9_.-]+)-(?P<stamp>\d{8}T\d{6})(?P<ms>\d{3})Z\.jsonl\.gz"
)


@dataclass(frozen=True, slots=True)
class Backup:
    """One file of the folder, by its name: nothing of it was read yet."""

    path: Path
    table: str
    taken_ms: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the folder, read through: `trouble` says what is wrong with it, "" for nothing."""

    backup: Backup
    size_bytes: int
    items: int
    trouble: str


def backup_path(folder: Path, table: str, taken_ms: int) -> Path:
    """The file of a backup: its table and its moment, UTC."""
    return folder / f"{table}-{moment(taken_ms, _STAMP)}{taken_ms % 1_000:03d}Z.jsonl.gz"


def moment(at_ms: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time as a person reads it, UTC."""
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime(form)


def backups_in(folder: Path) -> list[Backup]:
    """The backups of a folder, oldest first; what is called otherwise is not looked at.

    Raises BadSetting for a folder that is not there.
    """
    if not folder.is_dir():
        raise BadSetting(f"{folder}: no such folder of backups")
    return sorted(_named(folder), key=lambda backup: backup.taken_ms)


def _named(folder: Path) -> Iterator[Backup]:
    for path in folder.iterdir():
        if path.is_file() and (name := _NAME.fullmatch(path.name)):
            try:
                taken = datetime.strptime(f"{name['stamp']}+0000", f"{_STAMP}%z")
            except ValueError:
                continue  # digits, but no time
            taken_ms = int(taken.timestamp()) * 1_000 + int(name["ms"])
            yield Backup(path, name["table"], taken_ms)


def listed(backup: Backup) -> Listed:
    """Reads a backup through."""
    size_bytes = backup.path.stat().st_size
    try:
        header, _ = read_backup(backup.path)
    except BadSetting as error:
        return Listed(backup, size_bytes, 0, str(error).removeprefix(f"{backup.path}: "))
    return Listed(backup, size_bytes, header.items, "")


def outdated(backups: list[Backup], now_ms: int, retention_days: int) -> list[Backup]:
    """Those older than `retention_days`, but never the last whole one of a table.

    Age is that of the name: copying a file makes it no younger.
    """
    oldest_ms = now_ms - retention_days * DAY_MS
    old = [backup for backup in backups if backup.taken_ms < oldest_ms]
    for table in {backup.table for backup in old}:
        if any(b.table == table and b not in old and not listed(b).trouble for b in backups):
            continue
        of_table = [backup for backup in reversed(old) if backup.table == table]
        last = next((backup for backup in of_table if not listed(backup).trouble), None)
        old = [backup for backup in old if backup is not last]
    return old
