"""The account of a live rehearsal: a key and its money, made anew with each embedded exchange.

The exchange keeps its accounts in memory. So a live rehearsal begins with an empty table each
time: books that outlived their account would be wrong, and books that begin with it cannot be.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.local.embedded_exchange import EmbeddedExchange

FUNDS: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """A key that the embedded exchange knows, and what its account was given by coin."""

    key: str
    secret: str = field(repr=False)
    funds: Mapping[str, Decimal]

    @property
    def credentials(self) -> str:
        """What CREDENTIALS_PARAMETER is to hold."""
        return json.dumps({"API_KEY": self.key, "API_SECRET": self.secret})


def open_account(exchange: EmbeddedExchange, pairs: Iterable[str]) -> LiveAccount:
    """Open an account with money of every coin that `pairs` are quoted in."""
    quotes = sorted({pair.partition("_")[2] for pair in pairs})
    account = LiveAccount(
        secrets.token_hex(16), secrets.token_hex(32), dict.fromkeys(quotes, FUNDS)
    )
    exchange.control(
        "POST",
        "accounts",
        {
            "key": account.key,
            "secret": account.secret,
            "balances": {coin: str(amount) for coin, amount in account.funds.items()},
        },
    )
    return account


def account_state(exchange: EmbeddedExchange, account: LiveAccount) -> Mapping[str, Any]:
    """What the exchange itself knows of the account: balances, every order, every trade."""
    [state] = exchange.control("GET", f"state?key={account.key}")["accounts"]
    return dict(state)
