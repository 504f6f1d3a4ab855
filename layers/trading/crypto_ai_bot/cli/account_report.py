"""What the running account has made in a period: from its fills alone, first in, first out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crypto_ai_bot.backtest.statistics import TradeFigures, trade_figures
from crypto_ai_bot.domain.history import Disposal, Step, disposals, replayed
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ZERO, plain, total
from crypto_ai_bot.domain.order import Fill, Side
from crypto_ai_bot.domain.position import Position
from crypto_ai_bot.reconciliation.recount import Journal


@dataclass(frozen=True, slots=True)
class Sale:
    """One order that sold: a closed trade. `profit_quote` has the fees of both sides in it."""

    symbol: Symbol
    client_order_id: str
    closed_ms: int
    profit_quote: Decimal
    cost_quote: Decimal
    held_ms: int


@dataclass(frozen=True, slots=True)
class SymbolReport:
    """One symbol in the period, and what is held of it at its end.

    `fees_quote` values a fee in base at the price of its own fill, one that was told later at that
    of its order's last; fees in another coin are not in it nor in the profit, they stand in the
    account's `fees_other`.
    """

    symbol: Symbol
    buys: int
    sells: int
    turnover_quote: Decimal
    fees_quote: Decimal
    realised_quote: Decimal
    held: Position


@dataclass(frozen=True, slots=True)
class AccountReport:
    """A period of the running account. `drawdown_quote` is of the realised result alone."""

    from_ms: int
    until_ms: int
    symbols: tuple[SymbolReport, ...]
    sales: tuple[Sale, ...]
    lots: tuple[Disposal, ...]
    fees_other: dict[str, Decimal]
    figures: TradeFigures

    @property
    def realised_quote(self) -> Decimal:
        """Profit and loss of what was sold in the period, fees in it."""
        return total(one.realised_quote for one in self.symbols)

    @property
    def curve(self) -> list[Decimal]:
        """The realised result after each sale, from 0."""
        made = [ZERO]
        for sale in self.sales:
            made.append(made[-1] + sale.profit_quote)
        return made

    @property
    def drawdown_quote(self) -> Decimal:
        """The deepest fall of the curve from a peak, in quote."""
        peak = deepest = ZERO
        for value in self.curve:
            peak = max(peak, value)
            deepest = max(deepest, peak - value)
        return deepest


def account_report(journal: Journal, from_ms: int, until_ms: int) -> AccountReport:
    """The report from `from_ms` until now, which is `until_ms`; earlier lots count with their cost.

    Raises InvariantBroken for books whose fills sell more than they bought.
    """
    steps = list(replayed(journal.history))
    inside = [step for step in steps if step.fill.at_ms >= from_ms]
    lots = [line for step in inside for line in disposals(step)]
    sales = _sales(lots)
    symbols = sorted({step.fill.symbol for step in steps})
    return AccountReport(
        from_ms,
        until_ms,
        tuple(_symbol_report(symbol, steps, inside) for symbol in symbols),
        tuple(sales),
        tuple(lots),
        _fees_other([step.fill for step in inside]),
        trade_figures([float(sale.profit_quote) for sale in sales]),
    )


def _symbol_report(symbol: Symbol, steps: Sequence[Step], inside: Sequence[Step]) -> SymbolReport:
    held = [step.after for step in steps if step.fill.symbol == symbol][-1]
    own = [step for step in inside if step.fill.symbol == symbol]
    fills = [step.fill for step in own]
    prices = {
        step.fill.client_order_id: step.fill.traded.average_price
        for step in steps
        if step.fill.traded.base
    }
    return SymbolReport(
        symbol,
        buys=len({fill.client_order_id for fill in fills if fill.side is Side.BUY}),
        sells=len({fill.client_order_id for fill in fills if fill.side is Side.SELL}),
        turnover_quote=total(fill.traded.quote for fill in fills),
        fees_quote=total(_fee_quote(fill, prices) for fill in fills),
        realised_quote=total(step.realised_quote for step in own),
        held=held,
    )


def _fee_quote(fill: Fill, prices: Mapping[str, Decimal]) -> Decimal:
    price = fill.traded.average_price or prices.get(fill.client_order_id, ZERO)
    return fill.traded.fee_quote + fill.traded.fee_base * price


def _fees_other(fills: Iterable[Fill]) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for fill in fills:
        for coin, amount in fill.traded.fee_other.items():
            fees[coin] = fees.get(coin, ZERO) + amount
    return fees


def _sales(lots: Sequence[Disposal]) -> list[Sale]:
    """The lines of each selling order together, in the order of their end."""
    by_order: dict[str, list[Disposal]] = {}
    for line in lots:
        by_order.setdefault(line.sold_by, []).append(line)
    sales = []
    for name, lines in by_order.items():
        # Of dust and lot, the lot is what was traded: the dust of the last trade goes with it.
        main = max(lines, key=lambda line: line.base)
        sales.append(
            Sale(
                main.symbol,
                name,
                lines[-1].closed_ms,
                total(line.profit_quote for line in lines),
                total(line.cost_quote for line in lines),
                main.closed_ms - main.opened_ms,
            )
        )
    return sorted(sales, key=lambda sale: sale.closed_ms)


def as_json(report: AccountReport) -> dict[str, Any]:
    """Plain JSON values; amounts in quote or base as their names say, as strings."""
    figures = report.figures
    return {
        "from_ms": report.from_ms,
        "until_ms": report.until_ms,
        "realised_quote": plain(report.realised_quote),
        "fees_quote": plain(total(one.fees_quote for one in report.symbols)),
        "fees_other": {coin: plain(amount) for coin, amount in report.fees_other.items()},
        "turnover_quote": plain(total(one.turnover_quote for one in report.symbols)),
        "drawdown_quote": plain(report.drawdown_quote),
        "trades": figures.trades,
        "wins": figures.wins,
        "win_rate": figures.win_rate,
        "profit_factor": figures.profit_factor,
        "average_quote": figures.average,
        "best_quote": figures.best,
        "worst_quote": figures.worst,
        "symbols": {
            str(one.symbol): {
                "buys": one.buys,
                "sells": one.sells,
                "turnover_quote": plain(one.turnover_quote),
                "fees_quote": plain(one.fees_quote),
                "realised_quote": plain(one.realised_quote),
                "held_base": plain(one.held.base),
                "held_cost_quote": plain(one.held.cost_quote),
                "held_average_price": plain(one.held.average_price),
            }
            for one in report.symbols
        },
    }
