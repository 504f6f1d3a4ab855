"""What comes in and what goes out, in Gate's words; no sockets here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived: `raw_query` undecoded (it is signed), header names in lower case."""

    method: str
    path: str
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON payload."""

    payload: object
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The way out of a route for a request that Gate refuses; the exchange makes it an answer."""

    def __init__(
        self, label: str, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
    ) -> None:
        super().__init__(f"{label}: {message}")
        self.answer = Answer({"label": label, "message": message}, status)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that met its route: what stood in the path and the query, and the market's time."""

    request: Request
    at_ms: int
    parts: Mapping[str, str]
    query: Mapping[str, str]

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
