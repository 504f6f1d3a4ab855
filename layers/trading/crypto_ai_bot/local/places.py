"""Where things are on a trader's machine: the project, and the folder that a rehearsal lives in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto_ai_bot.local.errors import RehearsalError

_ROOT = Path(__file__).resolve().parents[4]


def project_root() -> Path:
    """The clone that this package runs from; a RehearsalError where it was installed elsewhere."""
    if not (_ROOT / "template.yaml").is_file():
        raise RehearsalError(
            f"{_ROOT}: holds no template.yaml; rehearsals run from a clone, set up by make setup"
        )
    return _ROOT


@dataclass(frozen=True, slots=True)
class Places:
    """The project at `root`, and `home`: everything that one rehearsal keeps."""

    root: Path
    home: Path

    @property
    def made(self) -> Path:
        """What every rehearsal shares: builds, interpreters."""
        return self.root / ".local"

    @property
    def cloud(self) -> Path:
        """The embedded cloud's state: the stack, and the paper account in its table."""
        return self.home / "cloud"

    def log(self, name: str) -> Path:
        """The log file of a child process; its folder exists."""
        folder = self.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"


@dataclass(frozen=True, slots=True)
class Memory:
    """Small facts that the next rehearsal in the same place wants to know, as one JSON file."""

    path: Path

    def recall(self) -> Mapping[str, Any]:
        """What was remembered; nothing when there is no file."""
        try:
            facts = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise RehearsalError(f"{self.path}: not JSON ({error}); remove it") from error
        return facts if isinstance(facts, dict) else {}

    def remember(self, **facts: Any) -> None:
        """Add or replace facts; the file is whole at any moment."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps({**self.recall(), **facts}, indent=1) + "\n")
        draft.replace(self.path)
