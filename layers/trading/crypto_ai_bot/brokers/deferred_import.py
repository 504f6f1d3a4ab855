"""Imports of one library put off until something is done with what was imported."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any


class _Deferral:
    """Whether names are still only noted, or looked up for good."""

    def __init__(self) -> None:
        self.open = True


class Deferred:
    """A module, or a name in one, that is imported when it is called or asked for an attribute.

    While the deferral is open an attribute is only noted, so that a class body may name it.
    """

    __slots__ = ("_deferral", "_module", "_path")

    def __init__(self, deferral: _Deferral, module: str, *path: str) -> None:
        self._deferral = deferral
        self._module = module
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system's own questions
            raise AttributeError(name)
        if self._deferral.open:
            return Deferred(self._deferral, self._module, *self._path, name)
        return getattr(self._real(), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Calls what it stands for."""
        return self._real()(*arguments, **named)

    def _real(self) -> Any:
        """What the import would have given. Raises ImportError where the library is missing."""
        found = import_module(self._module)
        for name in self._path:
            try:
                found = getattr(found, name)
            except AttributeError:  # a module that its package does not import by itself
                found = import_module(f"{found.__name__}.{name}")
        return found


@contextmanager
def deferred(library: str, modules: Sequence[str]) -> Iterator[None]:
    """Within the block, `from <module> import <name>` of `modules` gives a Deferred.

    Afterwards they are imported like any other. Has no effect once `library` is imported.
    """
    if library in sys.modules:
        yield
        return
    deferral = _Deferral()
    stand_ins: dict[str, Any] = {name: Deferred(deferral, name) for name in modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        deferral.open = False
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
