"""What cannot be explained by orders: balances that differ, and the halt that tells of them."""

from dataclasses import dataclass, replace
from decimal import Decimal

from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.ledger import Halt, Ledger
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.money import ZERO, plain


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
    """The exchange's balance of a base coin against the ledger's; never corrected by itself.

    `difference_base` is positive when the exchange holds more (a deposit, a manual buy).
    """

    ledger_base: Decimal
    exchange_base: Decimal

    @property
    def difference_base(self) -> Decimal:
        """What the exchange holds beyond the ledger."""
        return self.exchange_base - self.ledger_base

    @property
    def missing(self) -> bool:
        """The exchange holds less than the ledger: a stop could not sell what it should."""
        return self.difference_base < ZERO

    def __str__(self) -> str:
        return (
            f"the exchange holds {plain(self.exchange_base)} base, "
            f"the ledger {plain(self.ledger_base)}"
        )


def drift_of(ledger: Ledger, balance: Balance) -> Drift | None:
    """How far ledger and balance are apart; None when equal, or while an order is under way."""
    if ledger.pending or ledger.position.base == balance.free_base:
        return None
    return Drift(ledger.position.base, balance.free_base)
