"""A loopback server that sends a client whatever bytes a test scripted, and records what it got."""

import gzip
import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl

type Behaviour = Callable[["_Connection"], None]
type Responder = Callable[["Received"], bytes | Behaviour | None]


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: str = ""

    @property
    def question(self) -> dict[str, str]:
        return dict(parse_qsl(self.path.partition("?")[2]))


class HttpStub:
    """`answers` maps a path (without its query) to bytes or to a behaviour; "" stands for any.

    `responder` is asked first; None leaves the request to `answers`.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, bytes | Behaviour] = {}
        self.responder: Responder = lambda _request: None
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v4"

    def posts(self) -> list[Received]:
        return [request for request in self.received if request.method == "POST"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    stub: HttpStub

    def handle_error(self, *_where: object) -> None:
        """A client that hung up on us is what some tests are about."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        stub = self.server.stub
        while line := self.rfile.readline().decode():
            method, path, _ = line.split()
            headers: dict[str, str] = {}
            while (header := self.rfile.readline().decode().strip()) != "":
                name, _, value = header.partition(": ")
                headers[name] = value
            body = self.rfile.read(int(headers.get("Content-Length", "0"))).decode()
            request = Received(method, path, headers, body)
            stub.received.append(request)
            answer = stub.responder(request)
            if answer is None:
                answer = stub.answers.get(path.partition("?")[0].removeprefix("/api/v4"))
            answer = answer if answer is not None else stub.answers.get("", answered({}, 404))
            if callable(answer):
                answer(self)
                return
            self.wfile.write(answer)

    def wait(self) -> None:
        """Says nothing until the stub stops."""
        self.server.stub.released.wait()


def answered(body: Any, status: int = 200, *, headers: str = "", raw: bytes | None = None) -> bytes:
    """A whole answer: `body` as JSON, or `raw` as it is."""
    content = json.dumps(body).encode() if raw is None else raw
    head = (
        f"HTTP/1.1 {status} Some Reason\r\nContent-Type: application/json\r\n"
        f"X-Gate-Trace-Id: trace-7\r\n{headers}Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def closes(raw: bytes) -> Behaviour:
    """Sends these bytes and ends the connection."""

    def behave(connection: _Connection) -> None:
        connection.wfile.write(raw)

    return behave


def resets(connection: _Connection) -> None:
    """Ends the connection with a RST."""
    linger = struct.pack("ii", 1, 0)
    connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.connection.close()


def hangs(connection: _Connection) -> None:
    connection.wait()


def drips(connection: _Connection) -> None:
    """Sends the head, then a byte now and then: never silent long enough for a recv to time out."""
    connection.wfile.write(answered({}, raw=b" " * 100_000)[:-100_000])
    stub = connection.server.stub
    while not stub.released.wait(0.02):
        connection.wfile.write(b" ")


def hangs_up(connection: _Connection) -> None:
    connection.connection.close()


def breaks_off(connection: _Connection) -> None:
    connection.wfile.write(answered({"server_time": 1_597_026_383_085})[:-9])


def broken_gzip() -> bytes:
    body = gzip.compress(b'{"server_time": 1597026383085}')
    return answered(None, headers="Content-Encoding: gzip\r\n", raw=body[:12] + b"\0" * 9)
