"""A backup: all items of a table in one gzip file of JSON lines, which tells whether it is whole.

The first line is the header, every other line an item. The header counts the items and carries
the SHA-256 of their lines, so a file that is cut, or changed in one letter, is refused.
"""

import gzip
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.storage.actions import Item

_FORMAT: Final = "crypto-ai-bot backup 1"
_READABLE_BY_OWNER: Final = 0o600


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself. `taken_ms` is the time of the reading."""

    format: str
    table: str
    taken_ms: int
    items: int
    sha256: str


def write_backup(path: Path, table: str, taken_ms: int, items: Sequence[Item]) -> Header:
    """Writes all of the file under another name, and gives it its own when it is on the disk.

    Raises BadSetting, with nothing left behind, for a place that cannot be written.
    """
    body = "".join(json.dumps(item, sort_keys=True) + "\n" for item in items).encode()
    header = Header(_FORMAT, table, taken_ms, len(items), sha256(body).hexdigest())
    packed = gzip.compress(json.dumps(asdict(header)).encode() + b"\n" + body, mtime=0)
    draft = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_through(draft, packed)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise BadSetting(f"{path}: cannot be written: {error.strerror}") from None
    return header


def _write_through(path: Path, content: bytes) -> None:
    """To the disk itself, so that the name never stands for less than all of it."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _READABLE_BY_OWNER)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_backup(path: Path) -> tuple[Header, list[Item]]:
    """The header and the items. Raises BadSetting, in one line, for a file that is not whole."""
    try:
        first, _, body = gzip.decompress(path.read_bytes()).partition(b"\n")
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise BadSetting(f"{path}: not a whole gzip file: cut or damaged") from None
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read: {error.strerror}") from None
    header = _header(path, first)
    if sha256(body).hexdigest() != header.sha256:
        raise BadSetting(f"{path}: its items are not those that its checksum was made of")
    items: list[Item] = [json.loads(line) for line in body.splitlines()]
    if len(items) != header.items:
        raise BadSetting(f"{path}: {len(items)} items, its header says {header.items}")
    return header, items


def _header(path: Path, line: bytes) -> Header:
    try:
        found: dict[str, Any] = json.loads(line)
        header = Header(**found)
    except (ValueError, TypeError):
        raise BadSetting(f"{path}: no backup: its first line is no header") from None
    if header.format != _FORMAT:
        raise BadSetting(f"{path}: {header.format!r}, only {_FORMAT!r} can be read")
    return header
