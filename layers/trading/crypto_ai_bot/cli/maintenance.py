"""`cab-maintenance`: backups of the table, and whether what it says adds up.

It never writes over what is there: a backup is a new file, a restore a new table, and vacuum
removes an item only while the table itself still says that its time is over.
"""

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from crypto_ai_bot.cli.backup_file import read_backup, write_backup
from crypto_ai_bot.cli.backup_folder import backup_path, backups_in, listed, moment, outdated
from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, read_env_file_of, run
from crypto_ai_bot.cli.table_text import table_text
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.reconciliation.recount import Difference, differences
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.clock import SystemClock
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.storage.actions import Item, Table
from crypto_ai_bot.storage.snapshot import journals, key_in, snapshot
from crypto_ai_bot.storage.table import DynamoTable
from crypto_ai_bot.storage.vacuum import expired, left_over, remove

_FOLDER: Final = Path("backups")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the actions work on. `table_named` makes the door to any other table."""

    table: Table
    table_name: str
    table_named: Callable[[str], DynamoTable]
    now_ms: int
    retention_days: int


def main() -> None:
    """Entry point."""
    run(_maintenance)


def _maintenance() -> int:
    options = _parser().parse_args()
    read_env_file_of(options.env_file)
    settings = Settings.from_environment()
    table = Books(settings).table
    name = settings.table_name
    now_ms = SystemClock(lambda: 0).now_ms()
    return act(options, Upkeep(table(name), name, table, now_ms, settings.backup_retention_days))


def _parser() -> ArgumentParser:
    parser = parser_of("Looks after the table that TABLE_NAME names.")
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="backup|list|rotate|restore|integrity|vacuum"
    )
    backup = actions.add_parser("backup", help="write the whole table to a new file")
    backups = actions.add_parser("list", help="the backups, each read through")
    rotate = actions.add_parser("rotate", help="remove old backups, never a table's last whole one")
    rotate.add_argument("--days", type=int, help="keep so many (default: BACKUP_RETENTION_DAYS)")
    restore = actions.add_parser("restore", help="fill a new table from a backup, and check it")
    restore.add_argument("file", type=Path)
    restore.add_argument("--to", required=True, metavar="TABLE", help="must not exist yet")
    actions.add_parser("integrity", help="recount the books from the fills; exit code 1 on a gap")
    vacuum = actions.add_parser("vacuum", help="remove what expired, and what belongs to nothing")
    vacuum.add_argument("--dry-run", action="store_true", help="only show what would go")
    for action in (backup, backups, rotate):
        action.add_argument("--folder", type=Path, default=_FOLDER, help="default: ./backups")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", default=SUPPRESS, help="as above")
    return parser


def act(options: Namespace, upkeep: Upkeep) -> int:
    """Does what the options ask for; the exit code."""
    return _ACTIONS[options.action](options, upkeep)


def _backup(options: Namespace, upkeep: Upkeep) -> int:
    items = _whole(upkeep)
    path = backup_path(options.folder, upkeep.table_name, upkeep.now_ms)
    header = write_backup(path, upkeep.table_name, upkeep.now_ms, items)
    report = {"file": str(path), "table": header.table, "items": header.items}
    return _told(options, report, [f"{path}: {header.items} items of {header.table}"])


def _list(options: Namespace, _: Upkeep) -> int:
    found = [listed(backup) for backup in backups_in(options.folder)]
    if not found:
        raise BadSetting(f"{options.folder}: no backup in it")
    rows = [
        (
            one.backup.path.name,
            moment(one.backup.taken_ms),
            f"{one.size_bytes / 1024:.1f} KB",
            "" if one.trouble else str(one.items),
            one.trouble or "whole",
        )
        for one in found
    ]
    report = {
        "backups": [
            {
                "file": str(one.backup.path),
                "table": one.backup.table,
                "taken_ms": one.backup.taken_ms,
                "size_bytes": one.size_bytes,
                "items": one.items,
                "trouble": one.trouble,
            }
            for one in found
        ]
    }
    lines = table_text(("file", "taken (UTC)", "size", "items", ""), rows)
    return _told(options, report, lines, bad=any(one.trouble for one in found))


def _rotate(options: Namespace, upkeep: Upkeep) -> int:
    days = upkeep.retention_days if options.days is None else options.days
    if days < 1:
        raise BadSetting(f"--days {days}: must be at least 1")
    backups = backups_in(options.folder)
    old = outdated(backups, upkeep.now_ms, days)
    for backup in old:
        backup.path.unlink(missing_ok=True)
    kept = len(backups) - len(old)
    report = {"removed": [str(backup.path) for backup in old], "kept": kept}
    lines = [f"removed {backup.path}" for backup in old]
    return _told(options, report, [*lines, f"{len(old)} removed, {kept} kept ({days} days)"])


def _restore(options: Namespace, upkeep: Upkeep) -> int:
    """The file is read through before the table is made, and the table once it is filled."""
    header, saved = read_backup(options.file)
    over = {one.key for one in expired(saved, upkeep.now_ms)}
    items = [item for item in saved if key_in(item) not in over]
    found = _differences(items)
    table = upkeep.table_named(options.to)
    table.make()
    table.fill(items)
    if snapshot(table) != items:
        raise BadSetting(f"table {options.to} is not what {options.file} holds: remove it")
    table.keep()
    report = {
        "table": options.to,
        "items": len(items),
        "expired": len(over),
        "taken_ms": header.taken_ms,
        "differences": _as_json(found),
    }
    told = (
        f"{options.to}: {len(items)} items of {header.table} as of {moment(header.taken_ms)} UTC, "
        f"read back and equal; {len(over)} expired ones were left out"
    )
    return _told(options, report, [told, *_shown(found)], bad=bool(found))


def _integrity(options: Namespace, upkeep: Upkeep) -> int:
    items = _whole(upkeep)
    found = _differences(items)
    report = {"table": upkeep.table_name, "items": len(items), "differences": _as_json(found)}
    return _told(options, report, _shown(found), bad=bool(found))


def _vacuum(options: Namespace, upkeep: Upkeep) -> int:
    items = _whole(upkeep)
    over = [*expired(items, upkeep.now_ms), *left_over(items, upkeep.now_ms)]
    gone = over if options.dry_run else remove(upkeep.table, over)
    verb = "would go" if options.dry_run else "removed"
    report = {"dry_run": options.dry_run, "removed": [list(one.key) for one in gone]}
    lines = [f"{verb}: {one.key.pk} {one.key.sk} ({one.why})" for one in gone]
    return _told(options, report, [*lines, f"{len(gone)} of {len(items)} items {verb}"])


_ACTIONS: Final[Mapping[str, Callable[[Namespace, Upkeep], int]]] = {
    "backup": _backup,
    "list": _list,
    "rotate": _rotate,
    "restore": _restore,
    "integrity": _integrity,
    "vacuum": _vacuum,
}


def _whole(upkeep: Upkeep) -> list[Item]:
    items = snapshot(upkeep.table)
    if not items:
        raise BadSetting(f"table {upkeep.table_name} is empty: nothing was ever written to it")
    return items


def _differences(items: list[Item]) -> list[tuple[str, Difference]]:
    """What does not add up, with the account that it stands in."""
    return [
        (account, difference)
        for account, journal in journals(items).items()
        for difference in differences(journal)
    ]


def _shown(found: list[tuple[str, Difference]]) -> list[str]:
    if not found:
        return ["the books add up: orders, positions, lots and the day's totals follow from fills"]
    head = ("account", "of", "what", "recorded", "recounted from the fills")
    return table_text(head, [(account, *difference) for account, difference in found])


def _as_json(found: list[tuple[str, Difference]]) -> list[dict[str, str]]:
    return [{"account": account, **difference._asdict()} for account, difference in found]


def _told(
    options: Namespace, report: Mapping[str, Any], lines: list[str], *, bad: bool = False
) -> int:
    print_report(report, as_json=options.json, lines=lines)
    return FAILED if bad else 0


if __name__ == "__main__":
    main()
