"""A function whose process can be made to die at any call that it makes; run as a module.

Reads one JSON line a tick: {"job", "event", "die_at"}. Each tick runs in a fork of its own, as a
sandbox of its own would. With `die_at` n > 0 the fork kills itself with SIGKILL at the n-th border
crossing from its first transaction on: just before a request leaves, or just after its answer came.
Answers {"died": bool, "outcome": {...} | null, "error": str | null} on one line.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.trial import Signing
from crypto_ai_bot.runtime import handler
from crypto_ai_bot.storage.store import TableStore


class Mortality:
    """Counts border crossings once a transaction is under way, and dies at the one asked for."""

    def __init__(self, die_at: int) -> None:
        self._left = die_at
        self._begun = False

    def crossing(self, operation: str = "") -> None:
        """One side of one request."""
        self._begun = self._begun or operation == "TransactWriteItems"
        if not self._begun or not self._left:
            return
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


def arm(mortality: Mortality) -> None:
    """Puts a crossing before and after every request to the table and to the exchange."""
    events: Any = handler._workplace().books.store._table._client.meta.events  # type: ignore[attr-defined]  # the real one
    events.register("before-call.dynamodb", lambda model, **_: mortality.crossing(model.name))
    events.register("after-call.dynamodb", lambda **_: mortality.crossing())
    call = CcxtClient.call

    def mortal[T](
        self: CcxtClient,
        what: str,
        ask: Callable[[Any], Any],
        read: Callable[[Any], T],
        signing: Signing | None = None,
    ) -> T:
        if what == "spot/time":  # asked by the clock again and again, and nothing hangs on it
            return call(self, what, ask, read, signing)
        mortality.crossing()
        answer = call(self, what, ask, read, signing)
        mortality.crossing()
        return answer

    CcxtClient.call = mortal  # type: ignore[method-assign]  # the same call, with its two borders


def tick(asked: dict[str, Any], answers: int) -> None:
    """Runs one tick in this process, which is a fork, and ends it."""
    arm(Mortality(asked["die_at"]))
    answer: dict[str, Any] = {"outcome": None, "error": None}
    try:
        answer["outcome"] = handler.job_handler(asked["job"])(asked["event"], None)
    except Exception as error:  # noqa: BLE001 - told to the test, whole
        answer["error"] = f"{type(error).__name__}: {error}"
    os.write(answers, json.dumps(answer).encode())
    os._exit(0)


def main() -> None:
    """Forks for each line until there are no more.

    Clients are made before the first fork, as in a sandbox that is warm; connections are not.
    """
    sys.stdout = sys.stderr  # what the function logs
    assert isinstance(handler._workplace().books.store, TableStore)
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            tick(json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = pipe.read()
        _, status = os.waitpid(child, 0)
        answer = json.loads(told) if told else {"outcome": None, "error": None}
        answer["died"] = os.WIFSIGNALED(status)
        print(json.dumps(answer), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()
