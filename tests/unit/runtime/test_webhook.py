"""One POST to a secret address: filled in, checked, and never shown."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from crypto_ai_bot.domain.errors import BadSetting, MessageUndelivered
from crypto_ai_bot.runtime.webhook import TEXT_MAX, Webhook


class Chat(HTTPServer):
    """A chat on the loopback: keeps what is posted, answers `status`."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.posted.append((self.path, body.decode()))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def chat() -> Iterator[Chat]:
    with Chat() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_message_stands_where_the_body_has_its_place(chat: Chat) -> None:
    body = {"chat_id": "42", "text": "{text}", "nested": [{"again": "<{text}>"}, 1]}
    Webhook.parse(f"{chat.url}/bot123/send {json.dumps(body)}").announce("[live] halt", 'a "b"\nc')
    [(path, posted)] = chat.posted
    said = '[live] halt\na "b"\nc'
    assert path == "/bot123/send"
    assert json.loads(posted) == {
        "chat_id": "42",
        "text": said,
        "nested": [{"again": f"<{said}>"}, 1],
    }


def test_the_message_stands_where_the_address_has_its_place(chat: Chat) -> None:
    Webhook.parse(f"{chat.url}/send?chat=1&text={{text}}").announce("", "50 % & more")
    assert chat.posted == [("/send?chat=1&text=50%20%25%20%26%20more", "")]


def test_a_long_message_is_cut(chat: Chat) -> None:
    Webhook.parse(f'{chat.url} {{"content": "{{text}}"}}').announce("", "x" * 5_000)
    text = json.loads(chat.posted[0][1])["content"]
    assert len(text) == TEXT_MAX
    assert text.endswith("…")


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_any_answer_but_a_yes_is_undelivered_and_names_the_host_alone(
    chat: Chat, status: int
) -> None:
    chat.status = status
    webhook = Webhook.parse(f"{chat.url}/bot-secret?t={{text}}")
    with pytest.raises(MessageUndelivered, match=f"127.0.0.1 answered {status}") as caught:
        webhook.announce("", "text")
    assert "secret" not in str(caught.value)


def test_no_answer_is_undelivered() -> None:
    with Chat() as gone:
        url = gone.url
    with pytest.raises(MessageUndelivered, match=r"127\.0\.0\.1 did not answer: Conn"):
        Webhook.parse(f"{url}/{{text}}").announce("", "text")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "must begin with an address"),
        ("http://chat.example/secret/{text}", "must begin with an address"),
        ("chat.example/secret {text}", "must begin with an address"),
        ("https://chat.example/secret {text}", "must stand a JSON object"),
        ('https://chat.example/secret {"text": "hello"}', "must have {text}"),
        ("https://chat.example/secret", "must have {text}"),
    ],
)
def test_a_webhook_that_could_not_work_is_refused_without_showing_it(
    template: str, said: str
) -> None:
    with pytest.raises(BadSetting, match=said) as caught:
        Webhook.parse(template)
    assert "secret" not in str(caught.value)
