"""API keys: what they may do, and the signature that proves them (gate-spot 1.1, 8.3)."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote

from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.server_conditions import ServerConditions
from crypto_ai_bot.local.exchange.wire import Call, RefusedError, Request, Route

type Permission = Literal["none", "r", "rw"]
type KeyState = Literal["normal", "locked", "expired"]

_GAP_MS: Final = 60_000
PREFIX: Final = "/api/v4"
EVERYTHING: Final[Mapping[str, Permission]] = {
    "spot": "rw",
    "wallet": "r",
    "account": "rw",
    "unified": "r",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an account. What `permissions` does not name it may not do."""

    key: str
    secret: str = field(repr=False)
    account: Account
    permissions: Mapping[str, Permission] = field(default_factory=lambda: EVERYTHING)
    ip_whitelist: tuple[str, ...] = ()
    state: KeyState = "normal"
    created_ms: int = 0

    @property
    def masked(self) -> str:
        """The key as Gate shows it."""
        return f"{self.key[:4]}*****"


def signature(secret: str, request: Request, timestamp: str) -> str:
    """Return what the client must have put into SIGN; the query unquoted, the path /api/v4/…."""
    hashed = hashlib.sha512(request.body).hexdigest()
    lines = (request.method, request.path, unquote(request.raw_query), hashed, timestamp)
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha512).hexdigest()


class Keyring:
    """All keys, and the checks that a private request must pass before anything else."""

    def __init__(self, conditions: Callable[[], ServerConditions], speed: float = 1) -> None:
        """`speed` of the market: a client's seconds are that many market seconds long."""
        self.keys: dict[str, Key] = {}
        self._conditions = conditions
        self._gap_ms = int(_GAP_MS * max(1, speed))

    def holder(self, call: Call) -> Key:
        """Return the key of a request that passed `check`."""
        return self.keys[call.request.headers["key"]]

    def check(self, route: Route, call: Call) -> None:
        """Refuse a private request as Gate does, in Gate's order."""
        if not route.private:
            return
        headers = call.request.headers
        for name in ("KEY", "Timestamp", "SIGN"):
            if not headers.get(name.lower()):
                raise RefusedError("MISSING_REQUIRED_HEADER", f"Missing required header: {name}")
        self._check_time(headers["timestamp"], call.server_ms)
        key = self.keys.get(headers["key"])
        if key is None or key.state == "expired":
            raise RefusedError("INVALID_KEY", "Invalid key provided", 401)
        expected = signature(key.secret, call.request, headers["timestamp"])
        if not hmac.compare_digest(expected.encode(), headers["sign"].encode()):
            status = self._conditions().signature_status
            raise RefusedError("INVALID_SIGNATURE", "Signature mismatch", status)
        _check_rights(key, call.request)

    def _check_time(self, timestamp: str, server_ms: int) -> None:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):  # noqa: PLR2004
            message = "Invalid request header: Timestamp"
            raise RefusedError("INVALID_PARAM_VALUE", message)
        # Compared in whole seconds, as the Timestamp is.
        if abs(server_ms // 1000 * 1000 - int(timestamp) * 1000) > self._gap_ms:
            message = "gap between request Timestamp and server time exceeds 60"
            raise RefusedError("REQUEST_EXPIRED", message, self._conditions().stale_status)


def _check_rights(key: Key, request: Request) -> None:
    group = request.path.removeprefix(PREFIX).split("/")[1]
    permission = key.permissions.get(group, "none")
    if permission == "none":
        message = f"Request API key does not have {group} permission"
        raise RefusedError("FORBIDDEN", message, 403)
    if permission == "r" and request.method != "GET":
        raise RefusedError("READ_ONLY", "API key is read-only", 403)
    if key.ip_whitelist and request.peer not in key.ip_whitelist:
        message = f"Request IP not in whitelist: {request.peer}"
        raise RefusedError("IP_FORBIDDEN", message, 403)
    if key.state == "locked":
        raise RefusedError("ACCOUNT_LOCKED", "Account locked", 403)
