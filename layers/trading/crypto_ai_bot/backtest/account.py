"""What the risk rules are shown of an entry.

The rules are those of the risk gate, asked one by one. They read their facts off objects that are
changed in place: a record a decision, as live makes it, would cost more than the trade.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from crypto_ai_bot.backtest.book import Book, Holding
from crypto_ai_bot.backtest.fills import Fills
from crypto_ai_bot.backtest.records import Amount
from crypto_ai_bot.risk import rules
from crypto_ai_bot.risk.limits import RiskLimits

# The rules that can object here, each with the limit that sets it ("" for always).
CAN_OBJECT: Final[Mapping[rules.Rule, str]] = {
    rules.buy_too_small: "",
    rules.balance_short: "",
    rules.cooling_down: "cooldown_ms",
    rules.spread_too_wide: "spread_pct_max",
    rules.position_too_large: "position_base_max",
    rules.too_many_orders: "orders_per_hour_max",
    rules.day_lost: "daily_loss_quote_max",
    rules.too_exposed: "exposure_quote_max",
}
# Those that cannot: a backtest is always on, on time and alone, enters when flat, once a bar, and
# is not run on markets that are closed.
CANNOT_OBJECT: Final = frozenset(
    {
        rules.entries_closed,
        rules.stale_tick,
        rules.exchange_failing,
        rules.stale_price,
        rules.halted,
        rules.order_under_way,
        rules.slot_taken,
        rules.already_held,
        rules.market_closed_to_buys,
    }
)


def rules_in_force(limits: RiskLimits) -> tuple[rules.Rule, ...]:
    """The gate's entry rules, in its order, without those that cannot object under `limits`."""
    return tuple(
        rule
        for rule in rules.ENTRY_RULES
        if rule not in CANNOT_OBJECT and (not (name := CAN_OBJECT[rule]) or getattr(limits, name))
    )


class Facts:
    """An entry as the rules see it: the request, its quote and its facts in one."""

    __slots__ = (
        "account",
        "amount",
        "ask",
        "balance",
        "bid",
        "ledger",
        "market",
        "now_ms",
        "quote",
    )

    def __init__(self, book: Book, holding: Holding, fills: Fills) -> None:
        self.account = self.balance = book
        self.ledger = holding
        self.market = fills.rules
        self.quote = self
        self.now_ms = 0
        self.amount = self.bid = self.ask = fills.amount(0.0)

    @property
    def spread_pct(self) -> Amount:
        """Ask over bid, in per cent of the mid price."""
        return (self.ask - self.bid) / ((self.ask + self.bid) / 2) * 100

    @property
    def open_loss_quote(self) -> Amount:
        """What open positions would lose if sold now, never negative."""
        return self.account.open_loss_quote(self.now_ms)

    def objected(self, asked: Sequence[rules.Rule], limits: RiskLimits) -> bool:
        """Whether any rule objects."""
        seen: Any = self
        for rule in asked:  # noqa: SIM110 - a generator would cost as much as the rules
            if rule(seen, seen, limits):
                return True
        return False

    def objections(self, asked: Sequence[rules.Rule], limits: RiskLimits) -> tuple[str, ...]:
        """What the rules say."""
        seen: Any = self
        said = (rule(seen, seen, limits) for rule in asked)
        return tuple(objection for objection in said if objection)
