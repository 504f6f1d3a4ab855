"""The promises of DESIGN 3, asked of every write, submission, trade and ended run as it happens.

Nothing else moves the books or the account, so between these moments each promise goes on holding.
Each is told with the number that DESIGN gives it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import HOUR_MS, Symbol
from crypto_ai_bot.domain.money import ZERO, total
from crypto_ai_bot.domain.order import CAME_TO_NOTHING, Order, Purpose, Side
from crypto_ai_bot.domain.trading_state import Control, TradingState, more_careful
from crypto_ai_bot.ports.store import Advance, Change, Create, Replace, Unchanged
from crypto_ai_bot.risk.rules import STALE_PRICE_MS, STALE_TICK_MS
from crypto_ai_bot.storage.changes import DATED_BY
from crypto_ai_bot.usecases.execution import JUDGED_WITHIN_MS
from simulation.client import KEY
from simulation.market import BAR_MS

if TYPE_CHECKING:
    from simulation.deployment import Deployment
    from simulation.scheduler import Invocation

REQUEST_LIFE_MS = 3_000
PARAMETER_AGE_MS = 10_000
AMOUNT_QUOTE_MIN = 3


def at_commit(deployment: "Deployment", run: "Invocation", changes: Sequence[Change]) -> None:
    """What is asked of a write, on the books as they stood right before it."""
    for change in changes:
        match change:
            case Create(Event() as event):
                _told_once(deployment, event)
            case Create(Order() as order):
                _journaled_once(deployment, order)
                _one_under_way(deployment, order)
                _named_after_its_slot(run, order)
                _only_the_holder_writes(deployment, run, order.request.symbol)
                if order.request.purpose is Purpose.ENTRY:
                    _entries_only_while_on(deployment, order)
                    _room_for_an_entry(deployment, order)
                    _orders_within_the_hour(deployment, order)
                    _on_facts_of_this_moment(run, order)
                _at_a_price_of_this_minute(run, order)
                _at_a_price_of_this_position(deployment, run, order)
                _excuse_where_the_balance_lags(deployment, order)
            case Replace(Order() as order):
                _only_the_holder_writes(deployment, run, order.request.symbol)
            case Replace(Ledger() as ledger):
                _only_the_holder_writes(deployment, run, ledger.symbol)
                _stops_only_rise(deployment, ledger)
                assert ledger.token >= deployment.ledger(ledger.symbol).token, "I11 a token fell"
            case Unchanged(Ledger() as ledger):
                _only_the_holder_writes(deployment, run, ledger.symbol)
            case Replace(Control() as control) if control.changed_by == "watchdog":
                stands = deployment.control.state
                assert more_careful(stands, control.state) is control.state, "I8 loosened"
            case Advance(entity):
                _only_forward(deployment, entity)
            case _:
                pass


def after_commit(deployment: "Deployment", changes: Sequence[Change]) -> None:
    """What holds of the books right after a write; the exchange may be ahead of them."""
    for change in changes:
        match change:
            case Create(Order() as order) | Replace(Order() as order):
                _fills_add_up(deployment, order)
                _nothing_denied_that_traded(deployment, order)
                assert KEY not in order.answer, "I12 a secret in an item"
            case Replace(Ledger() as ledger):
                _ledger_is_its_fills(deployment, ledger.symbol)
                ledger_equals_exchange(deployment, ledger.symbol)
                assert ledger.worst_base >= 0, f"I6 {ledger.symbol} {ledger.worst_base}"
                _position_has_its_stops(ledger)
                if ledger.exchange_stop and not ledger.exchange_stop.stop_ids:
                    deployment.stops.append((ledger.symbol, ledger.exchange_stop))
                _worst_case_within_limits(deployment)
            case Create(event) if getattr(event, "kind", None) in {EventKind.DRIFT, EventKind.HALT}:
                _no_false_alarm(deployment, event)
            case _:
                pass


def _journaled_once(deployment: "Deployment", order: Order) -> None:
    """I2: create-once. An order that expired from the table was never made."""
    before = deployment.orders.get(order.client_order_id)
    assert before is None or before.state in CAME_TO_NOTHING, f"I2 {order.client_order_id} twice"


def _told_once(deployment: "Deployment", event: Event) -> None:
    """What happened is told once, as long as the table remembers that it was."""
    expires_ms = deployment.world.ttl_seconds * 1_000 or float("inf")
    for before in deployment.events:
        again = before.event_id == event.event_id and event.at_ms - before.at_ms < expires_ms
        assert not again, f"told twice: {event.text}"


def _one_under_way(deployment: "Deployment", order: Order) -> None:
    """I2: a symbol has at most one order whose fate is open."""
    pending = deployment.ledger(order.request.symbol).pending
    assert pending is None, f"{order.client_order_id} is journaled while {pending} is under way"


def _named_after_its_slot(run: "Invocation", order: Order) -> None:
    """I2: what the strategy asks for is named after the bar that signalled, a stop by its pass."""
    slot_ms, name = order.request.slot_ms, order.client_order_id
    if order.request.purpose in {Purpose.ENTRY, Purpose.EXIT}:
        assert slot_ms % BAR_MS == 0, f"I2 {name} is named after {slot_ms}, no bar's close"
    else:
        passed_ms = (slot_ms - run.scheduled_ms) % run.deployment.policy.exits_interval_ms
        assert passed_ms == 0, f"I2 {name} is of no pass: {slot_ms}"


def _room_for_an_entry(deployment: "Deployment", entry: Order) -> None:
    """One entry a position, none while halted or cooling down."""
    ledger, name = deployment.ledger(entry.request.symbol), entry.client_order_id
    worth_quote = ledger.position.base * entry.request.reference_price
    assert worth_quote < 2 * AMOUNT_QUOTE_MIN, f"{name} enters upon {worth_quote} quote"
    assert ledger.halt is None, f"{name} enters a halted symbol: {ledger.halt}"
    paused_ms = entry.journaled_ms - ledger.last_entry_ms + 2 * deployment.world.skew_ms_max
    assert paused_ms >= deployment.policy.limits.cooldown_ms, f"I5 {name}: {paused_ms} ms of pause"


def _only_forward(deployment: "Deployment", entity: Any) -> None:
    """An older run does not overwrite the heartbeat, the finding or the rules of a newer one."""
    field = DATED_BY[type(entity)]
    before = deployment.dated.get((type(entity), _of(entity)))
    older = before is not None and getattr(entity, field) < getattr(before, field)
    assert not older, f"{type(entity).__name__} goes back to {getattr(entity, field)}"
    deployment.dated[type(entity), _of(entity)] = entity


def _of(entity: Any) -> Any:
    return getattr(entity, "job", None) or getattr(entity, "symbol", None)


def _only_the_holder_writes(deployment: "Deployment", run: "Invocation", symbol: Symbol) -> None:
    """I11: nobody writes a ledger, or its order, that another run holds."""
    lease = deployment.ledger(symbol).lease
    now_ms = deployment.world.now_ms + run.off_ms
    free = lease is None or lease.owner == run.name or lease.expires_ms <= now_ms
    assert free, f"I11 {run.name} writes {symbol}, which {lease} holds"


def _entries_only_while_on(deployment: "Deployment", order: Order) -> None:
    """I8: no entry is journaled once the table says otherwise."""
    state = deployment.control.state
    assert state is TradingState.ON, f"I8 {order.client_order_id} while the table says {state}"


def _orders_within_the_hour(deployment: "Deployment", entry: Order) -> None:
    """I5: an entry is journaled only while the hour has room, the machines' clocks allowed for."""
    since_ms = entry.journaled_ms - HOUR_MS + 2 * deployment.world.skew_ms_max
    made = sum(
        order.journaled_ms > since_ms
        for name, order in deployment.orders.items()
        if not name.startswith("stop-")  # made by the exchange, of a stop
    )
    most = deployment.policy.limits.orders_per_hour_max
    assert made < most or not most, f"I5 {made} orders within the hour, {most} allowed"


def _on_facts_of_this_moment(run: "Invocation", entry: Order) -> None:
    """An entry rests on a word of the operator, a tick and a bar that are of this moment."""
    name, true_ms = entry.client_order_id, entry.journaled_ms - run.off_ms
    assert run.parameter is TradingState.ON, f"I8 {name}: its run read {run.parameter}"
    judged_ms = true_ms - run.parameter_ms
    assert judged_ms <= JUDGED_WITHIN_MS, f"I8 {name}: the parameter was read {judged_ms} ms ago"
    tick_ms = entry.journaled_ms - run.scheduled_ms
    assert tick_ms <= STALE_TICK_MS + JUDGED_WITHIN_MS, f"{name}: its tick is {tick_ms} ms old"
    bar_ms = entry.journaled_ms - entry.request.slot_ms
    assert bar_ms <= BAR_MS + STALE_TICK_MS, f"{name}: its bar is {bar_ms} ms old"


def _at_a_price_of_this_minute(run: "Invocation", order: Order) -> None:
    age_ms = order.journaled_ms - run.off_ms - run.priced_ms
    most_ms = STALE_PRICE_MS + JUDGED_WITHIN_MS
    assert age_ms <= most_ms, f"{order.client_order_id}: its price is {age_ms} ms old"


def _at_a_price_of_this_position(deployment: "Deployment", run: "Invocation", order: Order) -> None:
    """No stop is reached by a price from before it was set: that was judged of another position."""
    guard = deployment.ledger(order.request.symbol).guard
    if guard and order.request.purpose in {Purpose.STOP, Purpose.TAKE_PROFIT}:
        before_ms = guard.opened_ms - deployment.world.skew_ms_max - run.priced_ms
        assert before_ms <= 0, f"{order.client_order_id} sells what was bought {before_ms} ms later"


def _stops_only_rise(deployment: "Deployment", ledger: Ledger) -> None:
    """A stop and a peak of one position never fall."""
    before, after = deployment.ledger(ledger.symbol).guard, ledger.guard
    if before and after and before.opened_ms == after.opened_ms:
        fell = after.stop_price < before.stop_price or after.peak_price < before.peak_price
        assert not fell, f"the stop of {ledger.symbol} fell: {before} to {after}"


def _fills_add_up(deployment: "Deployment", order: Order) -> None:
    """I7: the fills of an order add up to its totals."""
    fills = deployment.fills.get(order.client_order_id, ())
    base, quote = total(one.traded.base for one in fills), total(one.traded.quote for one in fills)
    told = (order.totals.base, order.totals.quote)
    assert (base, quote) == told, f"I7 {order.client_order_id}: fills {base}, {quote}; told {told}"


def _ledger_is_its_fills(deployment: "Deployment", symbol: Symbol) -> None:
    """I7: all fills add up to what the ledger holds."""
    held, fills = deployment.ledger(symbol).position.base, deployment.held_base[symbol]
    assert held == fills, f"I7 {symbol}: the ledger holds {held}, its fills bring {fills}"


def _position_has_its_stops(ledger: Ledger) -> None:
    """What is worth selling has a guard, and a guard has something to guard."""
    held, cost_quote = ledger.position.base, ledger.position.cost_quote
    assert held or not ledger.guard, f"{ledger.symbol}: a guard of nothing: {ledger.guard}"
    guarded = ledger.guard or cost_quote < 2 * AMOUNT_QUOTE_MIN
    assert guarded, f"{ledger.symbol}: {held} for {cost_quote} quote has no stops"


def ledger_equals_exchange(deployment: "Deployment", symbol: Symbol) -> None:
    """I4: with no order under way, the ledger holds what the exchange's trades have brought."""
    ledger = deployment.ledger(symbol)
    under_way = ledger.pending or ledger.exchange_stop  # what rests may have sold
    if under_way is None and not deployment.denied_on(symbol):
        held, net = ledger.position.base, deployment.net_base[symbol]
        assert held == net, f"I4 {symbol}: the ledger holds {held}, the exchange brought {net}"


def quote_equals_exchange(deployment: "Deployment") -> None:
    """I4: the quote that all fills have moved is what the exchange's trades have moved."""
    under_way = any(one.pending or one.exchange_stop for one in deployment.ledgers.values())
    if not under_way and not deployment.denied:
        moved, net = deployment.moved_quote, deployment.net_quote
        assert moved == net, f"I4 the fills moved {moved} quote, the exchange {net}"


def _worst_case_within_limits(deployment: "Deployment") -> None:
    """I5: held at cost, and pending buys as bought, within the limit; the account says the same."""
    worst = total(
        one.position.cost_quote + (one.pending.worst_cost_quote if one.pending else ZERO)
        for one in deployment.ledgers.values()
    )
    limit = deployment.policy.limits.exposure_quote_max
    doubled = (
        deployment.world.exchange.doubled
    )  # what an intermediary bought twice no limit can hold back
    assert worst <= limit or not limit or doubled, f"I5 {worst} of {limit}"
    told = deployment.account.exposure_quote
    assert told == worst, f"I5 the account says {told}, the ledgers {worst}"


def _nothing_denied_that_traded(deployment: "Deployment", order: Order) -> None:
    """I10: an order that the books call never made has not traded at the exchange."""
    name = order.client_order_id
    if order.state in CAME_TO_NOTHING and name not in deployment.denied:
        traded = any(one.filled_base for one in deployment.world.gate.named(name))
        assert not traded, f"I10 {name} is {order.state} and has traded: {order.resolution}"


def _no_false_alarm(deployment: "Deployment", event: Any) -> None:
    """Nobody is alarmed about a symbol that only our own orders have moved."""
    touched = any(str(symbol) == event.symbol for symbol in deployment.excused)
    assert touched, f"false alarm: {event.text}"


def _excuse_where_the_balance_lags(deployment: "Deployment", order: Order) -> None:
    """What was read before a sell does not show the order before it, and later it will.

    Should no listing show the sell either, absence cannot be proved: a halt then is no false one.
    An entry is not made on such a balance.
    """
    symbol = order.request.symbol
    before_base = order.balance_before[1] if order.balance_before else None
    lags = deployment.world.gate.engine.conditions.balance_lag_ms
    sell = order.request.side is Side.SELL
    if lags and sell and before_base != deployment.ledger(symbol).expected_base:
        deployment.excused.setdefault(symbol, "a balance that lagged")
