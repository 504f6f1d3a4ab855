"""Gate's words for an account and its key: what is free, what it pays, why it is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from crypto_ai_bot.brokers.market_readings import read_amount
from crypto_ai_bot.brokers.trial import Reply
from crypto_ai_bot.domain.market import Balance, Symbol
from crypto_ai_bot.domain.money import ONE, ZERO

_UNIFIED_MODE: Final = 2  # of a key; 1 is a classic account
_SERVER_ERRORS: Final = 500

# What the operator can do about each refusal that no later request will meet differently.
_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "INVALID_KEY": "Gate does not know API_KEY (a key without an IP list ends after 90 days, "
        "and the testnet has keys of its own): make a new one",
        "INVALID_SIGNATURE": "API_SECRET is not the secret of API_KEY: give the two of one key",
        "INVALID_CREDENTIALS": "API_KEY and API_SECRET are not accepted: make a new key",
        "AUTHENTICATION_FAILED": "API_KEY and API_SECRET are not accepted: make a new key",
        "READ_ONLY": "the API key may only read: give it spot trading at Gate",
        "FORBIDDEN": "the API key has no permission for this: give it spot trading and the reading "
        "of wallet and account at Gate",
        "REQUEST_FORBIDDEN": "the API key has no permission for this: give it spot trading at Gate",
        "IP_FORBIDDEN": "this address is not on the API key's IP list: add it at Gate",
        "REQUEST_EXPIRED": "the request's time is more than 60 s from Gate's: set this machine's "
        "clock (NTP)",
        "ACCOUNT_LOCKED": "Gate has locked the account: ask Gate's support",
        "SUB_ACCOUNT_LOCKED": "Gate has locked the sub-account: ask the main account",
        "USER_NOT_FOUND": "the account has never held anything: deposit first",
    }
)


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """What Gate tells of the account and of the key that asks.

    `ip_whitelist` empty means that any address may use the key, which then ends after 90 days;
    `pairs` empty means that all may be traded. `permissions` (name → may write) and `created_ms`
    are None where Gate does not show them: not every key may ask for them.
    """

    unified: bool
    ip_whitelist: tuple[str, ...]
    pairs: tuple[str, ...]
    permissions: Mapping[str, bool] | None = None
    created_ms: int | None = None


def read_account_detail(answer: Any) -> AccountDetail:
    """The answer of /account/detail."""
    return AccountDetail(
        unified=int(read_amount(answer["key"]["mode"])) == _UNIFIED_MODE,
        ip_whitelist=tuple(map(str, answer.get("ip_whitelist") or ())),
        pairs=tuple(map(str, answer.get("currency_pairs") or ())),
    )


def with_key(detail: AccountDetail, rows: Any, is_ours: Callable[[str], bool]) -> AccountDetail:
    """`detail` with the permissions and the age that /account/main_keys shows of our key.

    Unchanged unless exactly one of the keys listed can be ours: they are listed masked.
    """
    ours = [row for row in rows if is_ours(str(row["key"]))]
    if len(ours) != 1:
        return detail
    permissions = {str(one["name"]): not one.get("read_only") for one in ours[0]["perms"]}
    created_seconds = int(read_amount(ours[0]["created_at"]))
    return replace(detail, permissions=permissions, created_ms=created_seconds * 1_000)


def read_balance(rows: Any, symbol: Symbol) -> Balance:
    """The answer of /spot/accounts. A coin that is not listed has never been held."""
    if not isinstance(rows, list):
        raise ValueError("not a list")
    free = {row["currency"]: read_amount(row["available"]) for row in rows}
    locked = {row["currency"]: read_amount(row.get("locked") or 0) for row in rows}
    return Balance(
        free.get(symbol.quote, ZERO), free.get(symbol.base, ZERO), locked.get(symbol.base, ZERO)
    )


def read_unified_balance(answer: Any, symbol: Symbol) -> Balance:
    """The answer of /unified/accounts."""
    balances = answer["balances"]
    free = {coin: read_amount(row["available"]) for coin, row in balances.items()}
    locked = {coin: read_amount(row.get("freeze") or 0) for coin, row in balances.items()}
    return Balance(
        free.get(symbol.quote, ZERO), free.get(symbol.base, ZERO), locked.get(symbol.base, ZERO)
    )


def read_taker_fee_rate(answer: Any) -> Decimal:
    """The answer of /wallet/fee, as a part of one: 0.002 is 0.2 %.

    With GT or points the fee comes out of those: the rate then overstates what the trade bears.
    """
    rate = read_amount(answer["taker_fee"])
    if rate >= ONE:
        raise ValueError(f"a fee of {rate} times the trade")
    return rate


def key_refusal(reply: Reply, signed_ms: int) -> str:
    """Why Gate will not serve this key, and what to do; "" when `reply` does not say that."""
    advice = _ADVICE.get(reply.label, "")
    if not advice or reply.status >= _SERVER_ERRORS:
        return ""
    gate_us = reply.headers.get("X-Out-Time", "")
    if reply.label == "REQUEST_EXPIRED" and gate_us.isdecimal():
        apart_seconds = (signed_ms - int(gate_us) // 1_000) / 1_000
        advice += f" (they are {apart_seconds:+.1f} s apart)"
    return f"{reply.label}: {advice}"


def answers(reply: Reply) -> bool:
    """Gate is there: it answered, if only to refuse; its own faults and overload are no answers."""
    return 0 < reply.status < _SERVER_ERRORS and reply.label not in {
        "",
        "TOO_BUSY",
        "INTERNAL",
        "SERVER_ERROR",
        "INTERNAL_SERVER_ERROR",
        "SERVER_TIMEOUT",
        "TOO_MANY_REQUESTS",
    }
