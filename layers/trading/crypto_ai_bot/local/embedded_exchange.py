"""The embedded exchange beside a rehearsal: cab-exchange in a process, and its time in our hand."""

import http.client
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.moments import moment_text
from crypto_ai_bot.local.places import Places
from crypto_ai_bot.local.processes import LOOPBACK, child, free_port, listens


@dataclass(frozen=True, slots=True)
class EmbeddedExchange:
    """A running embedded exchange. Its market has a time of its own."""

    port: int

    @property
    def url(self) -> str:
        """What EXCHANGE_URL is to be."""
        return f"http://{LOOPBACK}:{self.port}/api/v4"

    def now_ms(self) -> int:
        """The market's time."""
        return int(self.state()["time_ms"])

    def state(self) -> Mapping[str, Any]:
        """Time, speed, where the data begins and ends, and the last price of each pair."""
        state: Mapping[str, Any] = self._ask("GET", "/_market")
        return state

    def advance_to(self, at_ms: int) -> int:
        """Move the market to `at_ms` if it is not there yet; return its time."""
        step_ms = at_ms - self.now_ms()
        if step_ms <= 0:
            return at_ms - step_ms
        return int(self._ask("POST", "/_market/advance", {"ms": step_ms})["time_ms"])

    def control(self, method: str, what: str, body: object = None) -> Any:
        """Use one of the market's own controls: accounts, faults, state."""
        return self._ask(method, f"/_market/{what}", body)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise RehearsalError(f"the embedded exchange does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status not in {http.client.OK, http.client.CREATED}:
            raise RehearsalError(f"the embedded exchange, {method} {path}: {text!r}")
        return json.loads(text)


@contextmanager
def embedded_exchange(
    places: Places,
    *,
    pairs: Sequence[str],
    data: Sequence[str] = (),
    start_ms: int | None = None,
    speed: float = 0.0,
    port: int | None = None,
) -> Iterator[EmbeddedExchange]:
    """Run the exchange while the context lasts: `data` files replayed, else a made-up market.

    `port` is taken when it is free: a stack that already points there need not be deployed again.
    """
    exchange = EmbeddedExchange(free_port(port))
    source = [word for file in data for word in ("--data", file)] or ["--pairs", ",".join(pairs)]
    start = [] if start_ms is None else ["--from", moment_text(start_ms)]
    with child(
        "crypto_ai_bot.cli.exchange",
        [*source, *start, "--speed", f"{speed:g}", "--port", str(exchange.port)],
        log=places.log("exchange"),
        environment={"PATH": os.defpath},
        answers=lambda: listens(exchange.port),
    ):
        yield exchange
