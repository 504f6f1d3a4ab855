"""What a rehearsal remembers, and where."""

from pathlib import Path

import pytest

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.places import Memory, Places, project_root


def test_facts_are_kept_beside_those_that_were_there(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "home" / "facts.json")
    assert memory.recall() == {}
    memory.remember(market_ms=5)
    memory.remember(cloud_port=7, market_ms=6)
    assert Memory(memory.path).recall() == {"market_ms": 6, "cloud_port": 7}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text("{")
    with pytest.raises(RehearsalError, match=r"facts\.json: not JSON"):
        Memory(file).recall()


def test_the_project_is_where_its_template_is(tmp_path: Path) -> None:
    root = project_root()
    assert (root / "template.yaml").is_file()
    assert Places(root, tmp_path).made == root / ".local"
    assert Places(root, tmp_path).log("cloud").parent.is_dir()
