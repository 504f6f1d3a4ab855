"""What a check of cab-smoke finds: a line, and what to do when it does not do."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.errors import TradingError

type Check = tuple[str, Callable[[], str], str]


class Unfit(Exception):  # noqa: N818 - what was found, not an error of the program
    """A check that got its answer, and the answer does not do.

    `advice` says what to do about this very answer; "" leaves it to the check's own.
    """

    def __init__(self, found: str, advice: str = "") -> None:
        super().__init__(found)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `advice` says what to do when it is not ok."""

    check: str
    ok: bool
    found: str
    advice: str = ""

    def __str__(self) -> str:
        head = f"{'ok  ' if self.ok else 'FAIL'}  {self.check:<11}  {self.found}"
        return head if self.ok else f"{head}\n{'':19}to do: {self.advice}"


def findings_of(checks: Iterable[Check]) -> Iterator[Finding]:
    """Runs the checks one after the other: name, check, and what to do when it fails."""
    for name, check, advice in checks:
        try:
            yield Finding(name, ok=True, found=check())
        except Unfit as unfit:
            yield Finding(name, ok=False, found=str(unfit), advice=unfit.advice or advice)
        except TradingError as error:
            yield Finding(name, ok=False, found=str(error), advice=advice)
