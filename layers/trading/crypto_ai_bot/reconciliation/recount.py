"""Counts the books anew from the fills alone, and tells where what is recorded differs.

What is compared, and with what:
    an order's totals and number of fills    its fills
    an order's state                         whether its ledger has it under way
    a position and its lots                  the fills of the symbol, first in, first out
    the day's result and number of fills     the fills since that day began
    the quote committed to a symbol          its ledger's cost and the order under way
    the paper exchange's books               its own orders, and ours
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.history import Step, in_order, replayed
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import DAY_MS, Symbol
from crypto_ai_bot.domain.money import ZERO, plain, total
from crypto_ai_bot.domain.order import CAME_TO_NOTHING, Fill, Order, Totals
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.domain.position import FLAT, Position


@dataclass(frozen=True, slots=True)
class Journal:
    """The books of one account, whole, as they stood at one moment."""

    account: Account
    ledgers: Mapping[Symbol, Ledger]
    orders: Mapping[str, Order]
    fills: tuple[Fill, ...]
    paper_account: PaperAccount | None = None
    paper_orders: tuple[PaperOrder, ...] = ()

    @property
    def history(self) -> list[Fill]:
        """The fills in the order in which they happened."""
        return in_order(self.fills, self.orders)


class Difference(NamedTuple):
    """One thing recorded otherwise than it is recounted; `subject` is an order, symbol or day."""

    subject: str
    what: str
    recorded: str
    recounted: str


def differences(journal: Journal) -> list[Difference]:
    """Everything that does not add up; empty for books that are whole."""
    found = [*_of_orders(journal), *_of_pending(journal)]
    steps = list[Step]()
    for symbol in sorted({*journal.ledgers, *(fill.symbol for fill in journal.fills)}):
        fills = [fill for fill in journal.history if fill.symbol == symbol]
        try:
            replay = list(replayed(fills))
        except InvariantBroken as broken:
            held = journal.ledgers.get(symbol, Ledger(symbol)).position.base
            found.append(Difference(str(symbol), "position", plain(held), str(broken)))
            continue
        steps += replay
        found += _of_ledger(
            journal.ledgers.get(symbol, Ledger(symbol)), replay[-1].after if replay else FLAT
        )
    return [*found, *_of_day(journal, steps), *_of_commitments(journal), *_of_paper(journal)]


def _of_orders(journal: Journal) -> Iterator[Difference]:
    """Orders beside their fills, and fills beside their orders."""
    by_order: dict[str, list[Fill]] = {}
    for fill in journal.fills:
        by_order.setdefault(fill.client_order_id, []).append(fill)
    for name, order in sorted(journal.orders.items()):
        fills = by_order.pop(name, [])
        traded = _sum([fill.traded for fill in fills])
        if traded != _sum([order.totals]):
            yield Difference(name, "totals", _amounts(order.totals), _amounts(traded))
        if len(fills) != order.fills:
            yield Difference(name, "number of fills", str(order.fills), str(len(fills)))
        if fills and order.state in CAME_TO_NOTHING:
            yield Difference(name, "state", order.state, f"{len(fills)} fills: it traded")
    for name, fills in sorted(by_order.items()):
        yield Difference(name, "order", "not in the journal", f"{len(fills)} fills are its own")


def _of_pending(journal: Journal) -> Iterator[Difference]:
    """An order is open exactly while its ledger has it under way."""
    under_way = {
        ledger.pending.client_order_id: symbol
        for symbol, ledger in sorted(journal.ledgers.items())
        if ledger.pending
    }
    for name, order in sorted(journal.orders.items()):
        if order.unresolved and name not in under_way:
            yield Difference(name, "state", order.state, "no ledger has it under way")
    for name, symbol in under_way.items():
        order_under_way = journal.orders.get(name)
        if order_under_way is None:
            yield Difference(str(symbol), "under way", name, "not in the journal")
        elif not order_under_way.unresolved:
            yield Difference(str(symbol), "under way", name, f"is {order_under_way.state}")


def _of_ledger(ledger: Ledger, recounted: Position) -> Iterator[Difference]:
    symbol, position = str(ledger.symbol), ledger.position
    if position.base != recounted.base:
        yield Difference(symbol, "position", plain(position.base), plain(recounted.base))
    if position.cost_quote != recounted.cost_quote:
        yield Difference(symbol, "cost", plain(position.cost_quote), plain(recounted.cost_quote))
    if position.lots != recounted.lots:
        yield Difference(symbol, "lots", _lots(position), _lots(recounted))
    if ledger.guard and not recounted.base:
        yield Difference(symbol, "stops", "stand", "nothing is held")


def _of_day(journal: Journal, steps: Sequence[Step]) -> Iterator[Difference]:
    """The day's figures; a fill of last night that was settled after midnight may count in it."""
    account, day_ms = journal.account, journal.account.day_ms
    counted = [step for step in steps if _day_of(step.fill.at_ms) == day_ms]
    late = [step for step in steps if step.fill.at_ms < day_ms <= _settled_ms(step, journal)]
    late.sort(key=lambda step: _settled_ms(step, journal))
    readings = [[*late[start:], *counted] for start in range(len(late) + 1)]
    recounted = [
        (total(step.realised_quote for step in reading), len(reading)) for reading in readings
    ]
    if (account.realised_quote, account.fills) in recounted:
        return
    realised_quote, fills = recounted[-1]
    if account.realised_quote != realised_quote:
        recorded = plain(account.realised_quote)
        yield Difference(f"day {day_ms}", "realised", recorded, plain(realised_quote))
    if account.fills != fills:
        yield Difference(f"day {day_ms}", "fills", str(account.fills), str(fills))


def _day_of(at_ms: int) -> int:
    return at_ms - at_ms % DAY_MS


def _settled_ms(step: Step, journal: Journal) -> int:
    """When the order of a fill was last written: not before the fill was applied."""
    order = journal.orders.get(step.fill.client_order_id)
    return order.updated_ms if order else 0


def _of_commitments(journal: Journal) -> Iterator[Difference]:
    recounted = Account()
    for symbol, ledger in journal.ledgers.items():
        recounted = recounted.with_commitment(symbol, ledger)
    recorded = journal.account.committed_quote
    for symbol_name in sorted({*recorded, *recounted.committed_quote}):
        one = recorded.get(symbol_name, ZERO)
        other = recounted.committed_quote.get(symbol_name, ZERO)
        if one != other:
            yield Difference(symbol_name, "committed", plain(one), plain(other))


def _of_paper(journal: Journal) -> Iterator[Difference]:
    """The paper exchange's orders beside ours, where both tell of the same one."""
    if journal.paper_account is None:
        return
    if journal.paper_account.orders != len(journal.paper_orders):
        recorded = str(journal.paper_account.orders)
        yield Difference("paper exchange", "orders", recorded, str(len(journal.paper_orders)))
    for paper in journal.paper_orders:
        report = paper.report
        order = journal.orders.get(report.client_order_id)
        if order and not order.unresolved and _sum([order.totals]) != _sum([report.totals]):
            recorded = _amounts(order.totals)
            yield Difference(order.client_order_id, "at paper", recorded, _amounts(report.totals))


def _sum(traded: Sequence[Totals]) -> Totals:
    """All of them in one; a coin in which no fee was paid is left out."""
    coins = sorted({coin for one in traded for coin in one.fee_other})
    fees = {coin: total(one.fee_other.get(coin, ZERO) for one in traded) for coin in coins}
    return Totals(
        total(one.base for one in traded),
        total(one.quote for one in traded),
        total(one.fee_base for one in traded),
        total(one.fee_quote for one in traded),
        {coin: fee for coin, fee in fees.items() if fee},
    )


def _amounts(totals: Totals) -> str:
    fees = [plain(totals.fee_base), plain(totals.fee_quote)]
    fees += [f"{plain(amount)} {coin}" for coin, amount in sorted(totals.fee_other.items())]
    return f"{plain(totals.base)} for {plain(totals.quote)}, fees {' / '.join(fees)}"


def _lots(position: Position) -> str:
    shown = (f"{plain(lot.base)} for {plain(lot.cost_quote)}" for lot in position.lots)
    return ", ".join(shown) or "none"
