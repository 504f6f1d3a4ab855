"""Whether evidence decides the fate of an order that may or may not exist."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.money import ZERO, total
from crypto_ai_bot.domain.order import (
    Order,
    OrderReport,
    OrderState,
    Side,
    Totals,
)

ARRIVAL_MARGIN_MS: Final = 2_000  # clocks and queues inside the exchange, after its own deadline
ABSENCES_NEEDED: Final = 3
ABSENCE_WINDOW_MS: Final = 30_000  # listings lag by seconds (gate-spot 1.6)
RESOLVE_WITHIN_MS: Final = 600_000
_UNMOVED: Final = "and the base balance has not moved"


@dataclass(frozen=True, slots=True)
class Found:
    """The exchange shows it: its report decides. Several under one id are one report, added up."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class Absent:
    """Proof that no order was made, and what it rests on."""

    proof: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not known yet; `order` remembers what this search has shown."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Neither found nor proved absent within the time allowed: a person must look."""

    order: Order
    reason: str


type Resolution = Found | Absent | Wait | GiveUp


def resolve(
    order: Order,
    reports: Sequence[OrderReport],
    balance: Balance,
    server_ms: int,
    now_ms: int,
    explained: str = "",
) -> Resolution:
    """What the exchange's listings and balance, all read at `server_ms`, prove about `order`.

    `explained` is a person's word for why the base balance has moved; it stands in for a balance
    that has not, and for nothing else.
    """
    if reports:
        return Found(added_up(reports))
    if order.state is OrderState.ACCEPTED:
        return _undecided(order, "the exchange accepted it and does not list it", now_ms)
    if server_ms <= order.expires_ms + ARRIVAL_MARGIN_MS:
        return Wait(order, "the request can still arrive")
    order = replace(
        order,
        absences=order.absences + 1,
        absent_since_ms=order.absent_since_ms or server_ms,
        updated_ms=now_ms,
    )
    moved = base_moved(order, balance)
    if moved and not explained:
        return _undecided(order, "no listing shows it, but the base balance has moved", now_ms)
    for_ms = server_ms - order.absent_since_ms
    if order.absences >= ABSENCES_NEEDED and for_ms >= ABSENCE_WINDOW_MS:
        return Absent(
            f"{order.absences} complete searches over {for_ms // 1000} s found none, "
            + (f"and the balance moved for: {explained}" if moved else _UNMOVED)
        )
    return Wait(order, f"absent from {order.absences} of {ABSENCES_NEEDED} searches")


def base_moved(order: Order, balance: Balance) -> bool:
    """The base balance is not what it was before `order`.

    What the books expect is no proof: where an order was carried out twice and they have it once, a
    sell brings the balance to just that (simulated seed 509).
    """
    return order.balance_before is None or order.balance_before[1] != balance.free_base


def that_fit(order: Order, reports: Sequence[OrderReport], ledger: Ledger) -> Sequence[OrderReport]:
    """All of `reports`; of a sell that a halted ledger cannot hold whole, those that it can.

    A sell that was carried out twice can sell more than is held. The contradiction halts first,
    and what the books may lack is looked for. Then the repetition sold coins that are not ours,
    and is told of as an order that is not (`others`); the known part of `order` stays its own.
    """
    if ledger.halt is None or order.request.side is Side.BUY:
        return reports
    known = order.exchange_order_id.split("+")
    left_base = _taken_base(order.totals) + ledger.position.base
    fitting: list[OrderReport] = []
    for report in sorted(reports, key=lambda one: one.exchange_order_id not in known):
        taken_base = _taken_base(report.totals)
        if taken_base <= left_base or not fitting:
            fitting.append(report)
            left_base -= taken_base
    return fitting


def _taken_base(sold: Totals) -> Decimal:
    return sold.base + sold.fee_base


def _undecided(order: Order, reason: str, now_ms: int) -> Wait | GiveUp:
    if now_ms - order.journaled_ms < RESOLVE_WITHIN_MS:
        return Wait(order, reason)
    return GiveUp(order, f"{reason}, for {(now_ms - order.journaled_ms) // 1000} s")


def added_up(reports: Sequence[OrderReport]) -> OrderReport:
    """One report for all orders under one client order id.

    There should be one. Should an intermediary have repeated the request there are two, and both
    have moved the balance: the books must hold both.
    """
    coins = {coin for report in reports for coin in report.totals.fee_other}
    totals = Totals(
        base=total(report.totals.base for report in reports),
        quote=total(report.totals.quote for report in reports),
        fee_base=total(report.totals.fee_base for report in reports),
        fee_quote=total(report.totals.fee_quote for report in reports),
        fee_other={
            coin: total(report.totals.fee_other.get(coin, ZERO) for report in reports)
            for coin in coins
        },
    )
    return replace(
        reports[0],
        exchange_order_id="+".join(report.exchange_order_id for report in reports),
        finished=all(report.finished for report in reports),
        totals=totals,
        updated_ms=max(report.updated_ms for report in reports),
    )
