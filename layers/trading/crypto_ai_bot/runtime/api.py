"""The handler of the HTTP API: no exchange, no key, only the table and the trading parameter."""

from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.clock import SystemClock, monotonic_ms
from crypto_ai_bot.runtime.guard import Handler, guarded
from crypto_ai_bot.runtime.http import Counter, answer, as_gateway_answer, read_request
from crypto_ai_bot.runtime.parameters import Refreshed
from crypto_ai_bot.runtime.process import process
from crypto_ai_bot.runtime.settings import Settings


def api_handler() -> Handler:
    """The handler of every route: a call in payload format 2.0 in, its answer out."""

    def run(event: Any, _context: Any, _run_id: str) -> dict[str, Any]:
        return as_gateway_answer(answer(_counter(), read_request(event)))

    return guarded("api", run)


@cache
def _desk() -> tuple[Counter, Refreshed[tuple[bytes, ...]]]:
    """The counter without its tokens, and the tokens, which are read anew every five minutes."""
    settings = process().settings
    books = Books(settings)
    counter = Counter(books.store, books.switch, _clock(settings), settings.mode, ())
    return counter, Refreshed(lambda: _digests(settings, books), monotonic_ms)


def _counter() -> Counter:
    counter, digests = _desk()
    return replace(counter, token_digests=digests.get())


def _digests(settings: Settings, books: Books) -> tuple[bytes, ...]:
    tokens = settings.secrets.api_tokens(books.parameter)
    process().redactor.hide(tokens)
    return tuple(sha256(token.reveal().encode()).digest() for token in tokens)


def _clock(settings: Settings) -> Clock:
    """This machine's, but in a rehearsal the exchange's, like that of the jobs."""
    if settings.clock == "system":
        return SystemClock(lambda: 0)
    from crypto_ai_bot.runtime.wiring import open_workplace  # noqa: PLC0415 - no cold start pays it

    return open_workplace(settings, process().redactor.hide).desk(lambda: 0).clock
