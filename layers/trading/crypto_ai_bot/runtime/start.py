"""Where the process of a function starts: everything here is waited for by a first invocation."""
# ruff: noqa: PLC0415 - imported is what the function needs, and only once collecting has paused

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crypto_ai_bot.runtime.guard import Handler


def start(function: str) -> "Handler":
    """The handler of functions/<function>."""
    with _no_collecting():
        if function == "api":
            from crypto_ai_bot.runtime.api import api_handler

            return api_handler()
        if function == "notify":
            from crypto_ai_bot.runtime.notify import notify_handler

            return notify_handler()
        from crypto_ai_bot.runtime.handler import job_handler, make_ready

        handler = job_handler(function)
        make_ready()
        return handler


@contextmanager
def _no_collecting() -> Iterator[None]:
    """A start leaves no garbage: looking for it would take a tenth of its time.

    What was made stays for the life of the process, so later collections need not look at it.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
