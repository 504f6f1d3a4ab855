"""The methods that @dataclass writes, compiled when the layer is built (layers/trading).

@dataclass makes the source of __init__, __eq__ and others, and compiles it in every process: 40 ms
of a cold start. In the layer stands what each such source compiles to. A source that is not there
is compiled as ever, so what runs is the same code in either case.
"""

import builtins
import dataclasses
import marshal
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import CodeType

FILE: Final = Path(__file__).with_suffix(".bin")


def use(file: Path = FILE) -> None:
    """From now on. Changes nothing where there is no file, or one of another Python."""
    try:
        content = file.read_bytes()
    except OSError:
        return
    if not content.startswith(MAGIC_NUMBER):
        return
    known: dict[str, CodeType] = marshal.loads(content[len(MAGIC_NUMBER) :])  # noqa: S302 - from our layer

    def execute(source: str, *places: Any) -> None:
        builtins.exec(known.get(source, source), *places)  # noqa: S102 - as dataclasses does

    vars(dataclasses)["exec"] = execute  # the module's own name stands before the built-in one
