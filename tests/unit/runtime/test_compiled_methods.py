"""Dataclasses whose methods were compiled elsewhere are like all others."""

import dataclasses
import marshal
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from crypto_ai_bot.runtime import compiled_methods


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "methods.bin"
    vars(dataclasses).pop("exec", None)


def made() -> type:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Point:
        x: int
        y: int = 2

    return Point


def sources() -> list[str]:
    """What a dataclass hands to exec."""
    seen: list[str] = []

    def execute(source: str, *places: dict[str, object]) -> None:
        seen.append(source)
        exec(source, *places)  # noqa: S102 - what dataclasses does

    vars(dataclasses)["exec"] = execute
    made()
    del vars(dataclasses)["exec"]
    return seen


def test_a_known_source_is_not_compiled_again(file: Path) -> None:
    (source,) = sources()
    marked = compile(source, "marked", "exec")
    file.write_bytes(MAGIC_NUMBER + marshal.dumps({source: marked}))
    compiled_methods.use(file)
    point = made()
    assert vars(point)["__init__"].__code__.co_filename == "marked"
    assert point(1) == point(1, 2) != point(2)
    assert repr(point(1)).endswith("Point(x=1, y=2)")
    with pytest.raises(dataclasses.FrozenInstanceError):
        point(1).x = 3


@pytest.mark.parametrize("content", [MAGIC_NUMBER + marshal.dumps({}), b"another Python's"])
def test_an_unknown_source_is_compiled_as_ever(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    compiled_methods.use(file)
    assert made()(1).y == 2


def test_without_a_file_nothing_changes(file: Path) -> None:
    compiled_methods.use(file)
    assert "exec" not in vars(dataclasses)
