"""Orders on our account that are not in our books: whose they are, and what they moved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.money import ZERO, plain, total
from crypto_ai_bot.domain.order import (
    CAME_TO_NOTHING,
    Order,
    OrderReport,
    Side,
    deployment_tag_of,
)


@dataclass(frozen=True, slots=True)
class Ours:
    """In our books, or about to be: an order under way is settled by its own evidence."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class Risen:
    """Ours, and closed as never made: the exchange lists it all the same."""

    order: Order
    report: OrderReport

    def __str__(self) -> str:
        return (
            f"order {self.report.exchange_order_id} is our {self.order.client_order_id}, which "
            f"the journal has as {self.order.state}"
        )


@dataclass(frozen=True, slots=True)
class Repeated:
    """Under the name of an order of ours that is settled: the exchange lists another one.

    An intermediary carried out our request twice, or a deployment has our tag. The name is ours
    and so is what it moved; a person must look all the same.
    """

    order: Order
    report: OrderReport

    def fits(self, held_base: Decimal) -> bool:
        """It can be taken into books that hold `held_base`: none sells more than it has."""
        totals = self.report.totals
        return self.report.side is Side.BUY or totals.base + totals.fee_base <= held_base

    def __str__(self) -> str:
        return (
            f"order {self.report.exchange_order_id} has the name of our "
            f"{self.order.client_order_id}, which is order {self.order.exchange_order_id}: an "
            "intermediary repeated the request, or another deployment has our tag"
        )


@dataclass(frozen=True, slots=True)
class Foreign:
    """Somebody else's. `deployment` names another one of this program, "" for anybody else."""

    report: OrderReport
    deployment: str = ""

    def __str__(self) -> str:
        report = self.report
        symbol, traded = report.symbol, report.totals
        whose = f"deployment {self.deployment!r}" if self.deployment else "another program or you"
        state = "" if report.finished else ", still open"
        return (
            f"order {report.exchange_order_id} ({report.client_order_id or 'no text'}, "
            f"{report.side} of {plain(traded.base)} {symbol.base} for {plain(traded.quote)} "
            f"{symbol.quote}{state}) is not ours: {whose}"
        )


type Origin = Ours | Risen | Repeated | Foreign


def origin_of(report: OrderReport, order: Order | None, deployment_tag: str) -> Origin:
    """Whose order `report` tells of. `order` is our journal's entry of its name, if there is one.

    Our tag on an order that our journal does not hold is another deployment that was given the
    same tag: its slots have the names of ours.
    """
    tag = deployment_tag_of(report.client_order_id)
    if order is None:
        return Foreign(report, tag or "")
    if order.unresolved or report.exchange_order_id in order.exchange_order_id.split("+"):
        return Ours(report)
    if (report.symbol, report.side) != (order.request.symbol, order.request.side):
        return Foreign(report, tag or deployment_tag)
    return (Risen if order.state in CAME_TO_NOTHING else Repeated)(order, report)


def net_base(foreign: Iterable[Foreign | Repeated]) -> Decimal:
    """What the orders of others have brought (positive) or taken, fees in base included."""
    return total(
        (one.report.totals.base if one.report.side is Side.BUY else -one.report.totals.base)
        - one.report.totals.fee_base
        for one in foreign
    )


def told(foreign: Foreign | Repeated, now_ms: int) -> Event:
    """The line for the operator; one order makes one event, however often it is seen."""
    symbol = str(foreign.report.symbol)
    stopped = "; entries are stopped" if stops_entries(foreign) else ""
    return Event(
        f"foreign:{symbol}:{foreign.report.exchange_order_id}",
        EventKind.DRIFT,
        now_ms,
        symbol,
        f"foreign: {symbol}: {foreign}{stopped}",
    )


def stops_entries(foreign: Foreign | Repeated) -> bool:
    """Whether more orders of the kind may come, which nobody decided on."""
    return isinstance(foreign, Repeated) or bool(foreign.deployment)


def explanation(
    difference_base: Decimal, foreign: Sequence[Foreign | Repeated], dust_base: Decimal
) -> str:
    """What `difference_base` comes from, by the orders of others seen since the books agreed."""
    moved = net_base(foreign)
    ids = ", ".join(one.report.exchange_order_id for one in foreign)
    resting = [one.report.exchange_order_id for one in foreign if not one.report.finished]
    lock = f"; {', '.join(resting)} is open and may hold coins back" if resting else ""
    if foreign and abs(difference_base - moved) < dust_base:
        return f"explained by orders that are not ours ({ids}){lock}"
    rest = "a deposit or a transfer" if difference_base > ZERO else "a withdrawal or a transfer"
    if moved:
        return f"{plain(moved)} of it by orders that are not ours ({ids}), else {rest}{lock}"
    return f"no order explains it: {rest}{lock}"
