"""Faults between a client and the exchange (gate-spot 8.10): rules, and what they do to an answer.

`before`: the request takes no effect. `after`: it does, and then the answer is spoilt. The client
sees the same of both.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from math import inf
from typing import Final, Literal, get_args

from crypto_ai_bot.local.exchange.wire import Answer, Delivery, Raw, Request

type Kind = Literal[
    "hang",
    "stall",
    "rst",
    "fin",
    "truncate",
    "slow",
    "drip",
    "partial_header",
    "no_length_trunc",
    "chunked_trunc",
    "bad_gzip",
    "empty",
    "204",
    "202",
    "null",
    "list",
    "redirect",
    "html",
    "label",
    "429",
    "skew",
    "late_apply",
    "duplicate_apply",
]
KINDS: Final[tuple[str, ...]] = get_args(Kind.__value__)
# Kinds that change what happens, not how the answer looks.
EFFECTS: Final = frozenset({"skew", "late_apply", "duplicate_apply"})
_HANG_SECONDS: Final = 3_600.0
_DRIP_BYTES_PER_SECOND: Final = 20.0
_HTML: Final = b"<html><head><title>error</title></head><body><h1>error</h1></body></html>\n"
_STATUSES: Final = {"html": 502, "label": 500, "redirect": 307}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. It meets requests of `method` ("" any) whose path, and body, match the patterns.

    Of those it meets it lets `skip` pass, then spoils `n` (0: all that follow), each with
    `probability` by the dice of `seed`. Without `n` it spoils one, with a probability all.
    Without `when` it strikes before the effect, unless the answer is only slow (`slow`, `drip`).
    `seconds` and `bytes_per_second` are real; `seconds` of late_apply and `ms` are the market's.
    `answer` is what becomes of the answer of a late_apply (`fin` unless said otherwise) or a
    duplicate_apply (it arrives unless said otherwise).
    """

    kind: Kind
    method: str = ""
    path: str = ""
    body: str = ""
    when: Literal["before", "after", ""] = ""
    skip: int = 0
    n: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float | None = None
    bytes_per_second: float = _DRIP_BYTES_PER_SECOND
    ms: int = 0
    code: int = 0
    label: str = "SERVER_ERROR"
    message: str = "Internal server error"
    to: str = ""
    answer: Kind | None = None

    def __post_init__(self) -> None:
        for pattern in (self.path, self.body):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability {self.probability}: allowed is 0 to 1")
        if self.code and self.code not in set(HTTPStatus):
            raise ValueError(f"code {self.code} is no HTTP status")
        if self.answer in EFFECTS:
            raise ValueError(f"answer {self.answer!r} is no way for an answer to look")
        if self.kind == "drip" and self.bytes_per_second <= 0:
            raise ValueError("bytes_per_second: allowed is above 0")

    @property
    def applied(self) -> bool:
        """Tell whether the request takes effect."""
        return self.when == "after" or (not self.when and self.kind in {"slow", "drip"})

    @property
    def times(self) -> float:
        """How often it strikes at most."""
        if self.n is None:
            return 1 if self.probability == 1 else inf
        return self.n or inf

    def meets(self, request: Request) -> bool:
        """Tell whether the rule is for this request."""
        return (
            self.method in {"", request.method}
            and re.search(self.path, request.path) is not None
            and (not self.body or re.search(self.body, request.body.decode("latin-1")) is not None)
        )


class Rule:
    """A fault with what it has counted so far."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met = 0
        self.struck = 0
        self._dice = random.Random(fault.seed)  # noqa: S311 - chance to be repeated, not a secret

    def strikes(self, request: Request) -> bool:
        """Count a request, and tell whether the fault strikes it."""
        fault = self.fault
        if self.spent or not fault.meets(request):
            return False
        self.met += 1
        if self.met <= fault.skip:
            return False
        if fault.probability < 1 and self._dice.random() >= fault.probability:
            return False
        self.struck += 1
        return True

    @property
    def spent(self) -> bool:
        """Tell whether it will never strike again."""
        return self.struck >= self.fault.times


class FaultPlan:
    """The rules in force, oldest first; of those that strike a request, the first alone does."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.rules = [Rule(fault) for fault in faults]

    def add(self, *faults: Fault) -> None:
        """Add rules behind those in force."""
        self.rules += [Rule(fault) for fault in faults]

    def clear(self) -> None:
        """Forget every rule."""
        self.rules = []

    def strike(self, request: Request) -> Fault | None:
        """Return the fault that strikes the request; None for an untroubled one."""
        return next((rule.fault for rule in self.rules if rule.strikes(request)), None)


def spoilt(fault: Fault, kind: Kind, answer: Answer, request: Request) -> Answer:
    """Return what is left of an answer; `kind` is the fault's own, or what it does to answers."""
    seconds = fault.seconds
    match kind:
        case "hang" | "stall":
            delivery = Delivery(kind, _HANG_SECONDS if seconds is None else seconds)
            return replace(answer, delivery=delivery)
        case "slow":
            return replace(answer, delivery=Delivery("whole", seconds or 0))
        case "drip":
            delivery = Delivery("drip", bytes_per_second=fault.bytes_per_second)
            return replace(answer, delivery=delivery)
        case (
            "rst" | "fin" | "truncate" | "partial_header" | "no_length_trunc" | "chunked_trunc"
        ) | "bad_gzip":
            return replace(answer, delivery=Delivery(kind))
        case "empty" | "null" | "list" | "202" | "204":
            return _hollow(kind, answer, applied=fault.applied)
        case _:
            return _replaced(fault, kind, request)


def _hollow(kind: Kind, answer: Answer, *, applied: bool) -> Answer:
    """Return an answer that says success and nothing else."""
    match kind:
        case "empty":
            return replace(answer, payload=Raw(b"", ""), status=HTTPStatus.OK)
        case "null":
            return replace(answer, payload=None, status=HTTPStatus.OK)
        case "list":
            return replace(answer, payload=[], status=HTTPStatus.OK)
        case "202":
            payload = answer.payload if applied else {}
            return replace(answer, payload=payload, status=HTTPStatus.ACCEPTED)
        case _:
            return replace(answer, payload=Raw(b"", ""), status=HTTPStatus.NO_CONTENT)


def _replaced(fault: Fault, kind: Kind, request: Request) -> Answer:
    """Return an answer of someone on the way, or of the exchange in trouble."""
    status = HTTPStatus(fault.code or _STATUSES.get(kind, 429))
    match kind:
        case "html":
            return Answer(Raw(_HTML), status)
        case "label":
            return Answer({"label": fault.label, "message": fault.message}, status)
        case "redirect":
            query = f"?{request.raw_query}" if request.raw_query else ""
            return Answer(Raw(b"", ""), status, {"Location": fault.to or request.path + query})
        case _:
            message = "Request Rate limit Exceeded"
            return Answer({"label": "TOO_MANY_REQUESTS", "message": message}, status)
