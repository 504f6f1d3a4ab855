"""What comes in and what goes out, in Gate's words; no sockets here."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived: `raw_query` undecoded (it is signed), header names in lower case."""

    method: str
    path: str
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = "127.0.0.1"

    def json(self) -> object:
        """Return the body as JSON; None for no body, a refusal for what is no JSON."""
        if not self.body:
            return None
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise RefusedError("INVALID_REQUEST_BODY", "Invalid request body") from None


@dataclass(frozen=True, slots=True)
class Raw:
    """A payload that is not JSON; of no type where there is nothing."""

    body: bytes
    content_type: str = "text/html"


type Ending = Literal[
    "whole",
    "hang",
    "stall",
    "rst",
    "fin",
    "truncate",
    "drip",
    "partial_header",
    "no_length_trunc",
    "chunked_trunc",
    "bad_gzip",
]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer goes out: after which wait (real time), at which pace, how far."""

    ending: Ending = "whole"
    wait_seconds: float = 0
    bytes_per_second: float = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and payload: JSON unless Raw."""

    payload: object
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery()

    def body(self) -> tuple[bytes, str]:
        """Return the payload's bytes and their type."""
        if isinstance(self.payload, Raw):
            return self.payload.body, self.payload.content_type
        text = json.dumps(self.payload, separators=(",", ":"))
        return text.encode(), "application/json; charset=utf-8"


class RefusedError(Exception):
    """The way out of a route for a request that Gate refuses; the exchange makes it an answer."""

    def __init__(self, label: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{label}: {message}")
        self.told = {"label": label, "message": message}
        self.answer = Answer(self.told, HTTPStatus(status))


@dataclass(frozen=True, slots=True)
class Call:
    """A request that met its route: what stood in the path and the query, and the market's time.

    `skew_ms` is how far the server's own clock is off for this request; `told` takes headers for
    the answer.
    """

    request: Request
    at_ms: int
    parts: Mapping[str, str]
    query: Mapping[str, str]
    skew_ms: int = 0
    told: dict[str, str] = field(default_factory=dict)

    @property
    def server_ms(self) -> int:
        """What the server believes the time to be."""
        return self.at_ms + self.skew_ms

    def required(self, name: str) -> str:
        """Return a query parameter that must be there."""
        if not (value := self.query.get(name)):
            raise RefusedError("MISSING_REQUIRED_PARAM", f"Missing required param: {name}")
        return value

    def number(self, name: str, default: int, most: int | None = None, least: int = 1) -> int:
        """Return a whole number of the query, `least` … `most`; `default` when it is not there."""
        text = self.query.get(name, "")
        if not text:
            return default
        digits = text.isascii() and text.isdigit() and len(text) < 16  # noqa: PLR2004 - as ms are
        value = int(text) if digits else least - 1
        if value < least or (most is not None and value > most):
            raise invalid_value(name, text)
        return value


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the route table; `{name}` in the path stands for one segment."""

    method: str
    path: str
    effect: Callable[[Call], Answer]
    private: bool = False

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return what stands for the names in the path; None where the path is another."""
        found = _pattern(self.path).fullmatch(path)
        return {k: unquote(v) for k, v in found.groupdict().items()} if found else None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def query_of(request: Request) -> dict[str, str]:
    """Return the decoded query; of a name that comes twice, the last."""
    return dict(parse_qsl(request.raw_query, keep_blank_values=True))


def invalid_value(name: str, value: str) -> RefusedError:
    """Return Gate's refusal of a parameter's value."""
    return RefusedError("INVALID_PARAM_VALUE", f"Invalid parameter `{name}` with value: {value}")
