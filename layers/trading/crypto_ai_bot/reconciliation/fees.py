"""Fees that orders paid in a coin of neither side which is traded too (GT): out of its books."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MINUTE_MS
from crypto_ai_bot.domain.money import ZERO

SETTLED_WITHIN_MS: Final = 2 * MINUTE_MS


def booked(ledger: Ledger, account: Account) -> tuple[Ledger, Account] | None:
    """Both after the fees in the ledger's base have been booked; None when there are none.

    They come out of what is on the account beside the position, for that is what an operator keeps
    there for them. Below zero that says how much of the position they have taken: its fills stay
    as they were, and a sell is cut to what is free. From reports of orders, so this is no guess.
    """
    coin = ledger.symbol.base
    fees = account.fees_unbooked.get(coin, ZERO)
    if not fees or ledger.foreign_base is None or ledger.pending:
        return None
    return replace(ledger, foreign_base=ledger.foreign_base - fees), account.without_fees(coin)


def may_explain(ledger: Ledger, account: Account, others: Iterable[Ledger], now_ms: int) -> bool:
    """A balance of the ledger's base may have paid fees that the books do not know yet.

    They are known once an order is settled; one that is not for long explains nothing.
    """
    return bool(account.fees_unbooked.get(ledger.symbol.base)) or any(
        other.pending is not None and now_ms - other.pending.journaled_ms < SETTLED_WITHIN_MS
        for other in others
        if other.symbol != ledger.symbol
    )
