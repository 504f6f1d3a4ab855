"""A message to a chat: one POST to an address that is itself the secret.

The webhook is one text: the address, and after a blank the JSON object to post, either with
`{text}` where the message goes:

    https://api.telegram.org/bot<token>/sendMessage {"chat_id": "<id>", "text": "{text}"}
    https://hooks.slack.com/services/<path> {"text": "{text}"}
    https://discord.com/api/webhooks/<path> {"content": "{text}"}
    https://ntfy.sh/<topic>?title={text}
"""

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from crypto_ai_bot.domain.errors import BadSetting, MessageUndelivered
from crypto_ai_bot.runtime.setting_forms import on_loopback

PLACE: Final = "{text}"
TEXT_MAX: Final = 1_900  # Discord takes 2,000 characters, the others more
TIMEOUT_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to post, and what; neither is ever shown."""

    address: str
    body: Any

    @classmethod
    def parse(cls, template: str) -> Self:
        """Reads the text above. Raises BadSetting, without the text: it is a secret."""
        address, _, rest = template.strip().partition(" ")
        parts = urlsplit(address)
        plain = parts.scheme == "http" and on_loopback(address)
        if not parts.hostname or not (parts.scheme == "https" or plain):
            raise BadSetting("the webhook: must begin with an address like https://host/path")
        try:
            body = json.loads(rest) if rest.strip() else None
        except ValueError:
            raise BadSetting("the webhook: after the address must stand a JSON object") from None
        if PLACE not in address and PLACE not in json.dumps(body):
            raise BadSetting("the webhook: must have {text} where the message goes")
        return cls(address, body)

    def announce(self, subject: str, text: str) -> None:
        """Posts one message. Raises MessageUndelivered, naming the host alone."""
        whole = f"{subject}\n{text}" if subject else text
        message = whole if len(whole) <= TEXT_MAX else f"{whole[: TEXT_MAX - 1]}…"
        parts = urlsplit(self.address.replace(PLACE, quote(message, safe="")))
        host = parts.hostname or ""
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(host, parts.port, timeout=TIMEOUT_SECONDS)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        content = b"" if self.body is None else json.dumps(_filled(self.body, message)).encode()
        try:
            connection.request("POST", target, content, {"Content-Type": "application/json"})
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise MessageUndelivered(f"{host} did not answer: {type(error).__name__}") from None
        finally:
            connection.close()
        if not 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
            raise MessageUndelivered(f"{host} answered {status}")


def _filled(body: Any, message: str) -> Any:
    """`body` with the message in every text that has its place."""
    match body:
        case str():
            return body.replace(PLACE, message)
        case dict():
            return {key: _filled(value, message) for key, value in body.items()}
        case list():
            return [_filled(value, message) for value in body]
        case _:
            return body
