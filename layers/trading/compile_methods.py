"""Writes compiled_methods.bin: what the source of every dataclass's methods compiles to.

Called by the Makefile beside it, in the folder of the package that is shipped: imports all of it.
"""

import builtins
import dataclasses
import marshal
import pkgutil
import sys
from importlib import import_module
from importlib.util import MAGIC_NUMBER
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))


def main() -> None:
    """Compiles each source as `exec` would, and remembers it."""
    found = {}

    def compile_and_execute(source, *places):  # noqa: ANN001, ANN002, ANN202 - exec's own
        found[source] = compile(source, "<string>", "exec", dont_inherit=True)
        builtins.exec(found[source], *places)  # noqa: S102 - in place of the one in dataclasses

    vars(dataclasses)["exec"] = compile_and_execute
    package = import_module("crypto_ai_bot")
    if Path(package.__file__).parent != Path.cwd() / "crypto_ai_bot":
        raise SystemExit(f"{package.__file__} was imported, not the package in this folder")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    file = import_module("crypto_ai_bot.runtime.compiled_methods").FILE
    file.write_bytes(MAGIC_NUMBER + marshal.dumps(found))


if __name__ == "__main__":
    main()
