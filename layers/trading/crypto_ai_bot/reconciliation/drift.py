"""What cannot be explained by orders: balances that differ, and the halt that tells of them."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.ledger import Halt, Ledger
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.money import ZERO, plain

# After an order was settled; no longer, or the drift of a symbol that trades a lot would hide.
BALANCE_SHOWN_WITHIN_MS: Final = 40_000


def may_lag(ledger: Ledger, now_ms: int) -> bool:
    """The balance that the exchange shows may be the one from before our last order."""
    return now_ms - ledger.moved_ms < BALANCE_SHOWN_WITHIN_MS


def halted(ledger: Ledger, reason: str, now_ms: int) -> tuple[Ledger, Event]:
    """The ledger halted for `reason`, and the event that tells the operator.

    A symbol that is halted already keeps its first reason and date.
    """
    halt = ledger.halt or Halt(reason, now_ms)
    told = Event(
        f"halt:{ledger.symbol}:{halt.since_ms}",
        EventKind.HALT,
        now_ms,
        str(ledger.symbol),
        f"{ledger.symbol} takes no entries until you have looked: {halt.reason}",
    )
    return replace(ledger, halt=halt), told


@dataclass(frozen=True, slots=True)
class Drift:
    """The exchange's balance of a base coin against our books; never corrected by itself.

    The books are the ledger and, apart from it, what was there without us (`foreign_base`).
    """

    ledger_base: Decimal
    foreign_base: Decimal
    exchange_base: Decimal

    @property
    def difference_base(self) -> Decimal:
        """What the exchange holds beyond the books."""
        return self.exchange_base - self.ledger_base - self.foreign_base

    @property
    def missing(self) -> bool:
        """The exchange holds less than is ours: a stop could not sell what it should."""
        return self.exchange_base < self.ours_base

    @property
    def ours_base(self) -> Decimal:
        """The ledger, less what fees of other symbols' orders took of it (reconciliation.fees)."""
        return self.ledger_base + min(self.foreign_base, ZERO)

    def __str__(self) -> str:
        apart = f" and {plain(self.foreign_base)} that is not ours" if self.foreign_base else ""
        if self.foreign_base < ZERO:
            apart = f" less {plain(-self.foreign_base)} that is known to be gone"
        return (
            f"the exchange holds {plain(self.exchange_base)} base, "
            f"the ledger {plain(self.ledger_base)}{apart}"
        )


def drift_of(ledger: Ledger, balance: Balance, dust_base: Decimal) -> Drift | None:
    """How far books and balance are apart.

    What our own stop at the exchange has locked is there all the same, if the exchange locks it.
    None when less than `dust_base`, the amount step: no order could trade it. None too while an
    order is under way, and before the first one, when all that is held is the operator's.
    """
    if ledger.pending or ledger.foreign_base is None:
        return None
    stop = ledger.exchange_stop
    locked_base = min(balance.locked_base, stop.terms.amount_base) if stop else ZERO
    exchange_base = balance.free_base + locked_base
    drift = Drift(ledger.position.base, ledger.foreign_base, exchange_base)
    return drift if abs(drift.difference_base) >= dust_base else None
