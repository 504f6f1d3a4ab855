"""Asks the exchange anything, one request a time, and keeps question and answer as a fixture."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_account import key_refusal
from crypto_ai_bot.brokers.trial import Signing
from crypto_ai_bot.domain.errors import ExchangeRefusesKey, ExchangeUnavailable
from crypto_ai_bot.ports.clock import Clock

# Who the account's owner is, and where they may come from: nobody needs it to read an answer.
_PERSONAL: Final = frozenset({"user", "user_id", "uid", "key", "ip_whitelist", "email"})
_ROWS_KEPT: Final = 3  # of a listing too long to be a fixture


@dataclass(frozen=True, slots=True)
class Told:
    """One answer, unjudged. `body` is its JSON, None for anything else; `label` Gate's error."""

    status: int
    label: str
    body: Any

    @property
    def done(self) -> bool:
        """Carried out: a success without an error in it."""
        return 200 <= self.status < 300 and not self.label  # noqa: PLR2004 - HTTP's success

    @property
    def identity(self) -> str:
        """The id in the answer; "" when there is none."""
        return self.field("id")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a listing. Raises ExchangeUnavailable when it is none."""
        if not (self.done and isinstance(self.body, list)):
            raise ExchangeUnavailable(f"not a listing: {self}")
        return self.body

    def field(self, name: str) -> str:
        """One field of an object as text; "" when it is not there."""
        return str(self.body.get(name) or "") if isinstance(self.body, dict) else ""

    def read[T](self, reading: Callable[[Any], T]) -> T:
        """`reading(body)`. Raises ExchangeUnavailable for what cannot be read."""
        if not self.done:
            raise ExchangeUnavailable(f"not an answer: {self}")
        try:
            return reading(self.body)
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise ExchangeUnavailable(f"unreadable answer: {error}") from error

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.label or self.identity}".strip()


@dataclass(slots=True)
class Recorder:
    """One account at Gate, asked raw. `point` is what the next requests are asked for.

    `fixtures` holds every request with its answer, by point, free of secrets and of the account's
    owner; an answer that merely repeats the last one is counted, not kept again.
    """

    client: CcxtClient
    clock: Clock
    point: str = "0"
    fixtures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    offset_ms: int = 0

    def server_ms(self) -> int:
        """Gate's time now, by its last word on it."""
        return self.clock.now_ms() + self.offset_ms

    def read_time(self) -> None:
        """Asks for Gate's time, by which all that follows is signed."""
        asked_ms = self.clock.now_ms()
        told = self.ask("GET", "time", signed=False)
        if not isinstance(told.body, dict) or "server_time" not in told.body:
            raise ExchangeUnavailable(f"gate spot/time: {told}")
        self.offset_ms = int(told.body["server_time"]) - (asked_ms + self.clock.now_ms()) // 2

    def ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        group: str = "spot",
        signed: bool = True,
        expires_ms: int = 0,
        late_ms: int = 0,
    ) -> Told:
        """One request to `/<group>/<path>`, and whatever came back.

        `expires_ms` goes out as x-gate-exptime; `late_ms` signs that much too early.
        Raises ExchangeUnavailable when nothing came, ExchangeRefusesKey when Gate will not serve
        the key (unless that is what was provoked).
        """
        asked = dict(parameters or {})
        access = "private" if signed else "public"
        signing = Signing(self.server_ms() - late_ms, expires_ms)
        what = f"{method} {group}/{path}"
        trial = self.client.submit(
            what, lambda gate: gate.request(path, [access, group], method, asked), signing
        )
        reply = trial.reply
        self._keep(
            {
                "method": method,
                "path": f"/api/v4/{group}/{path}",
                "query": {} if method == "POST" else asked,
                "body": asked if method == "POST" else None,
                "headers": {"x-gate-exptime": str(expires_ms)} if expires_ms else {},
                **({"signed_ms_ago": late_ms} if late_ms else {}),
            },
            {
                "status": reply.status,
                "trace_id": reply.trace_id,
                "headers": dict(reply.headers),
                "body": _without_persons(_shortened(reply.body, trial.answer)),
            },
        )
        if not reply.status:
            raise ExchangeUnavailable(f"gate {what}: no answer ({', '.join(trial.causes)})")
        provoked = late_ms or 0 < expires_ms < self.server_ms()
        if not provoked and (refusal := key_refusal(reply, signing.at_ms)):
            raise ExchangeRefusesKey(f"gate {what}: {refusal}")
        body = trial.answer if trial.answer is not None else _json_of(reply.body)
        return Told(reply.status, reply.label, body)

    def _keep(self, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        kept = self.fixtures.setdefault(self.point, [])
        if kept and kept[-1]["request"] == request and _same(kept[-1]["response"], response):
            kept[-1]["asked"] += 1
            return
        kept.append({"request": request, "response": response, "asked": 1})


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool((one["status"], one["body"]) == (other["status"], other["body"]))


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shortened(text: str, answer: Any) -> Any:
    """The body as JSON, as text where it is none; the first rows of a listing that is too long."""
    if isinstance(answer, list) and len(answer) > _ROWS_KEPT and _json_of(text) is None:
        return {"rows": len(answer), "first": answer[:_ROWS_KEPT]}
    body = _json_of(text)
    return text if body is None else body


def _without_persons(body: Any) -> Any:
    match body:
        case dict():
            return {
                name: "***" if name in _PERSONAL else _without_persons(value)
                for name, value in body.items()
            }
        case list():
            return [_without_persons(one) for one in body]
        case _:
            return body
