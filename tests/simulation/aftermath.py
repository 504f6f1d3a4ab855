"""What must come true of a simulated day once its trouble has ceased."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MINUTE_MS, Symbol
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.reconciliation.recount import differences
from crypto_ai_bot.storage.snapshot import journals, snapshot
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.by_hand import NotDone, release, resolve_by_hand
from simulation import happenings, invariants
from simulation.scheduler import Invocation

if TYPE_CHECKING:
    from simulation.deployment import Deployment
    from simulation.world import World

AWAKE_WITHIN_MINUTES: Final = 12  # whoever is frozen wakes up
RESOLVED_WITHIN_MINUTES: Final = 16  # an order is given up after ten, and a person told
SOLD_WITHIN_MINUTES: Final = 4
DUST_QUOTE: Final = Decimal(4)


def settle_down(world: "World") -> None:
    """Everything is resolved or halted with a reason; put right, every position can be sold."""
    happenings.calm(world)
    world.silent_until_ms = 0
    for _ in range(AWAKE_WITHIN_MINUTES):
        if world.runs or world.exchange.late:
            world.until(world.now_ms + MINUTE_MS)
    assert not world.runs, f"{[run.name for run in world.runs]} did not end"
    for number, deployment in enumerate(world.deployments):
        if len(world.deployments) > 1:
            world.until(world.now_ms + 11 * MINUTE_MS)  # the instance lock passes on
        _settle_down(world, number, deployment)


def _settle_down(world: "World", number: int, deployment: "Deployment") -> None:
    _quiet_minutes(world, number, RESOLVED_WITHIN_MINUTES, until_resolved=True)
    _assert_resolved_or_told(deployment)
    _put_right(world, number, deployment)
    _assert_resolved(deployment)
    if world.parameter is not TradingState.ON:
        world.set_parameter(TradingState.ON)
    happenings.operate(world, TradingState.ON, number)
    for pair in world.gate.market.pairs.values():
        pair.jump(0.5)
    _quiet_minutes(world, number, SOLD_WITHIN_MINUTES)
    _put_right(world, number, deployment)
    _assert_resolved(deployment)
    _assert_sold(world, deployment)
    _assert_mirrored(deployment)
    _assert_others_are_told(world, deployment)
    invariants.quote_equals_exchange(deployment)


def _quiet_minutes(
    world: "World", number: int, minutes: int, *, until_resolved: bool = False
) -> None:
    deployment = world.deployments[number]
    for _ in range(minutes):
        next_ms = world.now_ms - world.now_ms % MINUTE_MS + MINUTE_MS
        world.until(next_ms)
        for job in Job:
            world.start(job, next_ms, number, Action.HOLD)
        world.until(next_ms + 58_000)
        ledgers = deployment.ledgers.values()
        if until_resolved and not any(_is_open(deployment, one) for one in ledgers):
            return


def _is_open(deployment: "Deployment", ledger: Ledger) -> bool:
    """Whether a next minute's runs have something to settle or to tell of `ledger`."""
    return bool(ledger.pending or ledger.lease or _missing_untold(deployment, ledger))


def _assert_resolved_or_told(deployment: "Deployment") -> None:
    for ledger in deployment.ledgers.values():
        told = ledger.halt and ledger.halt.reason
        assert ledger.pending is None or told, f"{ledger.pending} is stuck"
        assert ledger.lease is None, f"{ledger.lease} was not given back"
        untold = _missing_untold(deployment, ledger)
        assert not untold, f"{ledger.symbol}: {untold} is missing, no halt"
        assert not told or ledger.symbol in deployment.excused, f"{ledger.symbol} is halted: {told}"


def _missing_untold(deployment: "Deployment", ledger: Ledger) -> Decimal:
    """What a stop could not sell, for the account does not hold it, and no halt tells of it."""
    pair = deployment.world.gate.market.pairs[f"{ledger.symbol.base}_{ledger.symbol.quote}"]
    free = deployment.world.gate.account.available(ledger.symbol.base)
    missing = ledger.position.base - free
    told = ledger.halt or ledger.pending or missing < pair.rules.amount_step
    return Decimal(0) if told else missing


def _assert_others_are_told(world: "World", deployment: "Deployment") -> None:
    """Every order that is not ours was told of."""
    told = {one.event_id for one in deployment.events}
    for order in world.gate.account.orders.values():
        symbol = world.grounds.symbols_by_pair[order.wish.pair_id]
        stop = world.gate.fired_by(order.id)
        ours = order.wish.text.startswith(f"t-{deployment.tag}-")
        others = not ours and not (stop and world.exchange.stops.get(stop.id) is deployment)
        began = deployment.ledger(symbol).foreign_base is not None
        if others and began:
            assert f"foreign:{symbol}:{order.id}" in told, f"{order.id} was not told of"


def _put_right(world: "World", number: int, deployment: "Deployment") -> None:
    """The operator brings back what is missing, says why, and lifts the halts."""
    for symbol in world.grounds.symbols:
        for _ in range(5):
            ledger = deployment.ledger(symbol)
            if not ledger.halt:
                break
            if ledger.pending:
                name = ledger.pending.client_order_id
                by_hand(world, deployment, f"resolve {name}", symbol)
            happenings.bring_back(world, symbol, deployment)
            _quiet_minutes(world, number, 1)
            by_hand(world, deployment, "release", symbol)


def by_hand(world: "World", deployment: "Deployment", what: str, symbol: Symbol) -> None:
    """One command of the operator's, as a run of its own."""
    name = f"{deployment.tag}-{what}-{world.now_ms}"

    def body(run: Invocation) -> Any:
        desk = world.desk(deployment, run, Action.HOLD)
        if what == "release":
            return release(desk, symbol, "looked at", name)
        return resolve_by_hand(desk, what.split()[1], name, "my own doing")

    run = world.begin(name, deployment, body)
    world.until(world.now_ms + MINUTE_MS)
    if isinstance(run.result, NotDone):
        world.note(f"{name}: {run.result}")


def _assert_resolved(deployment: "Deployment") -> None:
    for ledger in deployment.ledgers.values():
        assert ledger.pending is None, f"{ledger.pending} is stuck"
        assert ledger.lease is None, f"{ledger.lease} was not given back"
        assert ledger.halt is None, f"{ledger.symbol} is halted: {ledger.halt}"
        invariants.ledger_equals_exchange(deployment, ledger.symbol)
    if not deployment.world.exchange.doubled:
        assert not deployment.denied, f"{deployment.denied} are denied still"


def _assert_sold(world: "World", deployment: "Deployment") -> None:
    """At half the price every stop has sold."""
    for ledger in deployment.ledgers.values():
        pair = world.gate.market.pairs[f"{ledger.symbol.base}_{ledger.symbol.quote}"]
        worth = ledger.position.base * pair.last(world.now_ms)
        assert worth < DUST_QUOTE, f"{ledger.symbol}: {worth} quote were not sold"


def _assert_mirrored(deployment: "Deployment") -> None:
    """What the invariants were asked of is what stands in the table."""
    glance = TableStore(deployment.table, "live").glance()
    assert dict(glance.ledgers) == deployment.ledgers
    assert glance.account == deployment.account
    assert glance.control == deployment.control
    books = journals(snapshot(deployment.table)).get("live")
    apart = differences(books) if books else []
    assert not apart, f"the books do not add up: {apart}"
