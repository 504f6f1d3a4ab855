"""What a point was answered with: a row of the table, and what it rests on."""

from dataclasses import dataclass
from typing import Any, Final

NOT_ESTABLISHED: Final = "not established"


class Unanswered(Exception):  # noqa: N818 - what was found, not an error of the program
    """A point that cannot be answered here, and why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One question of gate-spot 10. `evidence` are the answers that it was read from.

    `proved` is True or False where a setting could rest on it, None elsewhere.
    """

    point: str
    question: str
    answer: str
    evidence: tuple[str, ...] = ()
    established: bool = True
    proved: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "point": self.point,
            "question": self.question,
            "established": self.established,
            "answer": self.answer,
            "proved": self.proved,
            "evidence": list(self.evidence),
        }


def unanswered(point: str, question: str, why: str) -> Answered:
    """The row of a point that could not be answered."""
    return Answered(point, question, f"{NOT_ESTABLISHED}: {why}", established=False)


@dataclass(frozen=True, slots=True)
class Left:
    """What could not be taken back: orders, a line each, and base too little for an order."""

    orders: tuple[str, ...] = ()
    dust: str = ""
