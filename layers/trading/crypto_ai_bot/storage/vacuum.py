"""What a table need not keep: items whose time is over, and cached rules that nothing uses.

DynamoDB removes expired items by itself, days late; this is for who will not wait. A fill is never
removed, even if its order is gone: it is money that moved.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from crypto_ai_bot.domain.market import DAY_MS, MarketRules
from crypto_ai_bot.storage.actions import Delete, Item, Key, Table
from crypto_ai_bot.storage.conditions import AtMost, Condition
from crypto_ai_bot.storage.items import to_entity
from crypto_ai_bot.storage.snapshot import key_in

_RULES_UNREAD_MS: Final = 7 * DAY_MS


class Leftover(NamedTuple):
    """An item that may go while `condition` holds of it, and why."""

    key: Key
    why: str
    condition: Condition


def expired(items: Iterable[Item], now_ms: int) -> Iterator[Leftover]:
    """Items whose `expires_at` is past. One that is written anew meanwhile stays."""
    now_seconds = now_ms // 1_000
    for item in items:
        if item.get("expires_at", now_seconds + 1) <= now_seconds:
            yield Leftover(key_in(item), "expired", AtMost("expires_at", now_seconds))


def left_over(items: Sequence[Item], now_ms: int) -> Iterator[Leftover]:
    """Market rules of symbols that have no ledger and were not read for a week."""
    kept_ms = now_ms - _RULES_UNREAD_MS
    with_ledger = {key_in(item) for item in items if item["entity"] == "ledger"}
    for item in items:
        key = key_in(item)
        if item["entity"] != "rules" or key._replace(sk=f"LEDGER{key.sk[5:]}") in with_ledger:
            continue
        rules = to_entity(item)
        if isinstance(rules, MarketRules) and rules.read_ms <= kept_ms:
            yield Leftover(key, "rules of a symbol that is not traded", AtMost("read_ms", kept_ms))


def remove(table: Table, leftovers: Iterable[Leftover]) -> list[Leftover]:
    """Removes each that is still what it was; those that were."""
    return [one for one in leftovers if table.write([Delete(one.key, one.condition)]) is None]
