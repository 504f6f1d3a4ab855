"""The HTTP face: HTTP/1.1, keep-alive, Content-Length, a thread a connection."""

import contextlib
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from crypto_ai_bot.local.exchange.delivery import deliver
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.line import Line
from crypto_ai_bot.local.exchange.market import Market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.wire import Answer, Request

LOOPBACK = "127.0.0.1"
_BODY_BYTES_MAX = 1_000_000
_POLL_SECONDS = 0.05


@contextlib.contextmanager
def running_exchange(
    market: Market, clock: MarketClock, *, host: str = LOOPBACK, port: int = 0
) -> Iterator[str]:
    """Serve a market while the block runs; gives the base URL, …/api/v4."""
    with serving(Grounds(market, clock), host=host, port=port) as url:
        yield url


@contextlib.contextmanager
def serving(grounds: Grounds, *, host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Serve an exchange while the block runs; gives the base URL, …/api/v4.

    Port 0 takes a free one. At the end every connection is closed and every thread joined, and
    answers that hang are let go. Raises OSError where it cannot bind.
    """
    with _Server((host, port), grounds.line) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_address[1]}/api/v4"
        finally:
            server.shutdown()
            thread.join()
            server.close_connections()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], line: Line) -> None:
        self.line = line
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, peer = super().get_request()
        self._open.add(connection)
        return connection, peer

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Wake the threads that wait, for a request or to answer; server_close then joins them."""
        self.stopping.set()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet about clients that leave; anything else is our fault and is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the exchange, writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            return
        path, _, raw_query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        peer = str(self.client_address[0])
        request = Request(self.command, path, raw_query, headers, body, peer)
        self._write(self.server.line.answer(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base's names

    def _body(self) -> bytes | None:
        """Return the body; None where its length is not told, the client having been refused."""
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self.send_error(HTTPStatus.LENGTH_REQUIRED, "a Content-Length is needed")
        elif int(length) > _BODY_BYTES_MAX:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{_BODY_BYTES_MAX} bytes at most")
        else:
            return self.rfile.read(int(length))
        return None

    def _write(self, answer: Answer) -> None:
        if not deliver(self.connection, answer, self.server.stopping.wait):
            self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is not HTTP as Gate would, in JSON; the connection closes."""
        self.close_connection = True
        text = message or explain or HTTPStatus(code).phrase
        closing = {"Connection": "close"}
        self._write(Answer({"label": "BAD_REQUEST", "message": text}, HTTPStatus(code), closing))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base
        """Say nothing: what is asked of the exchange is the client's story."""
