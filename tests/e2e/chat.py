"""A chat on the loopback: what a webhook posts to it is kept."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread


class Chat(ThreadingHTTPServer):
    """The server; `said` hands out what was posted, one at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said: Queue[str] = Queue()

    @property
    def webhook(self) -> str:
        """The text that WebhookParameter is to hold."""
        return f'http://127.0.0.1:{self.server_port}/secret {{"text": "{{text}}"}}'


class _Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.server.said.put(json.loads(body)["text"])

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def chat() -> Iterator[Chat]:
    """A chat for as long as the context lasts."""
    with Chat() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
