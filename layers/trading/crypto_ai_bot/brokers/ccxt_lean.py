"""ccxt without the hundred exchanges that are not in use (reference performance 2).

`import ccxt` runs a package file that imports them all: 700 ms and 75 MB on every cold start. Here
a package of the same name and place, but without that file, stands in for it, so that
`ccxt.<exchange>` imports itself and ccxt's base alone. Whoever else asks the stand-in for an
exchange or an error gets it, imported then.

ccxt's base imports `cryptography` for exchanges that sign with RSA or on a curve. Gate does not,
and prices are not signed at all: it is imported when such a signature is made, which saves 20 ms
and 16 MB of layer.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final
from warnings import catch_warnings, filterwarnings

from crypto_ai_bot.brokers.deferred_import import deferred

_LOCK: Final = Lock()
_ALIASES: Final = {"gateio": "gate"}  # the id that ccxt dropped and operators still write
_SIGNATURES: Final = (
    "cryptography.hazmat",
    "cryptography.hazmat.primitives",
    "cryptography.hazmat.primitives.asymmetric",
    "cryptography.hazmat.primitives.asymmetric.utils",
    "cryptography.hazmat.primitives.serialization",
)


def exchange_id_of(name: str) -> str:
    """The id under which ccxt knows the exchange that operators call `name`."""
    lowered = name.strip().lower()
    return _ALIASES.get(lowered, lowered)


def exchange_class(name: str) -> Any:
    """The synchronous class that ccxt has for one exchange, importing no other.

    Raises ValueError, one line, for a name that ccxt does not know.
    """
    exchange_id = exchange_id_of(name)
    with _LOCK:
        folder = _ccxt_folder()
        if not (exchange_id.isidentifier() and (folder / f"{exchange_id}.py").is_file()):
            raise ValueError(f"{name!r} is not an exchange of ccxt; allowed: its ids, e.g. gateio")
        return _imported(exchange_id)


def exchange_errors() -> ModuleType:
    """The module of ccxt's exception classes."""
    with _LOCK:
        _ccxt_folder()
        return import_module("ccxt.base.errors")


def _ccxt_folder() -> Path:
    """Where ccxt's files are; puts the stand-in in place unless ccxt is already imported."""
    if "ccxt" not in sys.modules:
        spec = find_spec("ccxt")  # finds the package without running its file
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("ccxt is not installed")
        sys.modules["ccxt"] = _stand_in(list(spec.submodule_search_locations))
    return Path(sys.modules["ccxt"].__path__[0])


def _imported(exchange_id: str) -> Any:
    """The exchange's class, also put where `ccxt.<exchange>` means the class and not its module."""
    with deferred("cryptography", _SIGNATURES), catch_warnings():
        # requests says so at each start; ccxt tells it the encoding of every answer (UTF-8).
        filterwarnings("ignore", message="Unable to find acceptable character detection")
        found = getattr(import_module(f"ccxt.{exchange_id}"), exchange_id)
    setattr(sys.modules["ccxt"], exchange_id, found)
    return found


def _stand_in(folders: list[str]) -> ModuleType:
    package = ModuleType("ccxt")
    package.__path__ = folders
    package.__spec__ = ModuleSpec("ccxt", None, is_package=True)
    package.__spec__.submodule_search_locations = folders

    def import_when_asked(name: str) -> Any:
        """What `ccxt.<name>` would have been: an error class, or an exchange's class."""
        if name.startswith("_"):
            raise AttributeError(name)
        errors = import_module("ccxt.base.errors")
        if hasattr(errors, name):
            return getattr(errors, name)
        try:
            return _imported(name)
        except ImportError:
            raise AttributeError(name) from None

    vars(package)["__getattr__"] = import_when_asked  # a module's own hook (PEP 562)
    return package
