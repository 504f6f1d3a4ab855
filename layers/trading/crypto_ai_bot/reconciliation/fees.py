"""Fees that orders paid in a coin of neither side which is traded too (GT): out of its books."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MINUTE_MS
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.order import Fill, Side, Totals
from crypto_ai_bot.domain.position import apply_fill

SETTLED_WITHIN_MS: Final = 2 * MINUTE_MS


def booked(ledger: Ledger, account: Account, now_ms: int) -> tuple[Ledger, Account] | None:
    """Both after the fees in the ledger's base have been booked; None when there are none.

    What is not ours on the account pays first, for that is what the operator keeps there for it;
    then the position does, at its cost. Fees came from reports of orders, so this is no guess.
    """
    coin = ledger.symbol.base
    fees = account.fees_unbooked.get(coin, ZERO)
    if not fees or ledger.foreign_base is None or ledger.pending:
        return None
    account = account.without_fees(coin)
    ours = min(max(fees - max(ledger.foreign_base, ZERO), ZERO), ledger.position.base)
    ledger = replace(ledger, foreign_base=ledger.foreign_base - (fees - ours))
    if ours:
        paid = Fill("", "", ledger.symbol, Side.SELL, Totals(fee_base=ours), now_ms)
        position, realised_quote = apply_fill(ledger.position, paid)
        ledger = replace(ledger, position=position, guard=ledger.guard if position.base else None)
        account = replace(account, realised_quote=account.realised_quote + realised_quote)
        account = account.with_commitment(ledger.symbol, ledger)
    return ledger, account


def may_explain(ledger: Ledger, account: Account, others: Iterable[Ledger], now_ms: int) -> bool:
    """A balance of the ledger's base may have paid fees that the books do not know yet.

    They are known once an order is settled; one that is not for long explains nothing.
    """
    return bool(account.fees_unbooked.get(ledger.symbol.base)) or any(
        other.pending is not None and now_ms - other.pending.journaled_ms < SETTLED_WITHIN_MS
        for other in others
        if other.symbol != ledger.symbol
    )
