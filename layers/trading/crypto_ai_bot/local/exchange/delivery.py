"""How an answer leaves: whole, or in one of the ways in which answers get lost."""

import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final

from crypto_ai_bot.local.exchange.wire import Answer

_VERSION: Final = "HTTP/1.1"
_BAD_GZIP: Final = b"\x1f\x8b\x08\x00not really compressed"
_DRIPS_PER_SECOND: Final = 10
_LINGER_NOT: Final = struct.pack("ii", 1, 0)  # close with a reset

type Wait = Callable[[float], bool]


def deliver(connection: socket.socket, answer: Answer, wait: Wait) -> bool:
    """Send the answer as its delivery says; True when the connection can go on.

    `wait` waits so many seconds and tells whether to stop waiting for good. The caller closes.
    """
    delivery = answer.delivery
    if delivery.ending == "stall":
        connection.sendall(_cut(answer))
    if delivery.wait_seconds and wait(delivery.wait_seconds):
        return False
    match delivery.ending:
        case "whole":
            connection.sendall(whole(answer))
            return answer.headers.get("Connection") != "close"
        case "hang" | "stall" | "fin":
            pass
        case "rst":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            # Closed here and now: the server's own goodbye would say FIN first.
            socket.close(connection.detach())
        case "drip":
            for drop in _drops(whole(answer), delivery.bytes_per_second):
                connection.sendall(drop)
                if wait(1 / _DRIPS_PER_SECOND):
                    return False
            return True
        case _:
            connection.sendall(_cut(answer))
            return delivery.ending == "bad_gzip"
    return False


def whole(answer: Answer) -> bytes:
    """Return head and body in one piece: two writes would wait for each other's acknowledgement."""
    body, kind = answer.body()
    return _head(answer, kind, {"Content-Length": str(len(body))}) + body


def _head(answer: Answer, kind: str, length: dict[str, str]) -> bytes:
    typed = {"Content-Type": kind} if kind else {}
    headers = {**answer.headers, **typed, **length}
    status = f"{_VERSION} {answer.status.value} {answer.status.phrase}"
    lines = "\r\n".join([status, *(f"{name}: {value}" for name, value in headers.items())])
    return lines.encode("latin-1") + b"\r\n\r\n"


def _cut(answer: Answer) -> bytes:
    """Return what is sent of an answer that breaks off, or cannot be read."""
    body, kind = answer.body()
    half = body[: len(body) // 2]
    match answer.delivery.ending:
        case "truncate" | "stall":
            return _head(answer, kind, {"Content-Length": str(len(body))}) + half
        case "partial_header":
            head = _head(answer, kind, {})
            return head[: len(head) // 2]
        case "no_length_trunc":
            return _head(answer, kind, {"Connection": "close"}) + half
        case "chunked_trunc":
            head = _head(answer, kind, {"Transfer-Encoding": "chunked"})
            return head + f"{len(body):x}\r\n".encode() + half
        case _:
            length = {"Content-Encoding": "gzip", "Content-Length": str(len(_BAD_GZIP))}
            return _head(answer, kind, length) + _BAD_GZIP


def _drops(sent: bytes, bytes_per_second: float) -> Iterator[bytes]:
    size = max(1, int(bytes_per_second / _DRIPS_PER_SECOND))
    return (sent[start : start + size] for start in range(0, len(sent), size))
