"""The promises of DESIGN 3, each a small function over what the world has seen so far."""

from collections import Counter
from typing import TYPE_CHECKING

from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.money import ZERO, total
from crypto_ai_bot.domain.order import CAME_TO_NOTHING, Order, Purpose, Side
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Change, Create, Replace, Unchanged
from crypto_ai_bot.usecases.execution import JUDGED_WITHIN_MS
from rough_exchange import REQUEST_LIFE_MS, START_QUOTE

if TYPE_CHECKING:
    from interleaved_world import World
    from interleaving import Invocation
    from rough_exchange import Request

PARAMETER_AGE_MS_MAX = 10_000 + JUDGED_WITHIN_MS + REQUEST_LIFE_MS


def submitted_once(world: "World") -> None:
    """I1: at most one submission per client order id."""
    names = Counter(request.client_order_id for request in world.sent)
    assert not [name for name, times in names.items() if times > 1], f"I1 {names}"


def one_order_a_slot(world: "World") -> None:
    """I2: at most one order at the exchange per symbol, purpose and slot."""
    made = Counter(
        (str(order.request.symbol), order.request.purpose, order.request.slot_ms)
        for order in world.journaled()
        if world.exchange.made(order.client_order_id)
    )
    assert not [slot for slot, times in made.items() if times > 1], f"I2 {made}"


def journaled_before(world: "World", name: str) -> None:
    """I3: no submission without an older journal entry. Asked at each submission."""
    assert world.store.order(name), f"I3 {name} is submitted and not journaled"


def ledger_equals_exchange(world: "World") -> None:
    """I4: with no order under way, ledger and exchange agree to the last digit."""
    glance = world.books()
    for symbol in world.symbols:
        ledger = glance.ledgers[symbol]
        if ledger.pending is None:
            held = world.exchange.balance(symbol).free_base
            assert ledger.position.base == held, f"I4 {symbol}: {ledger.position.base} != {held}"
    if not any(ledger.pending for ledger in glance.ledgers.values()):
        moved = total(
            (fill.traded.quote - fill.traded.fee_quote) * (1 if fill.side is Side.SELL else -1)
            for order in world.journaled()
            for fill in world.store.fills(order.client_order_id)
        )
        free = world.exchange.balance(world.symbols[0]).free_quote
        assert START_QUOTE + moved == free, f"I4 {START_QUOTE} {moved:+} quote != {free}"


def worst_case_within_limits(world: "World") -> None:
    """I5: held at cost, and pending buys as bought, within the limit; the account says the same."""
    glance = world.books()
    worst = total(
        ledger.position.cost_quote + (ledger.pending.worst_cost_quote if ledger.pending else ZERO)
        for ledger in glance.ledgers.values()
    )
    limit = world.limits.exposure_quote_max
    assert worst <= limit, f"I5 {worst} of {limit}"
    assert glance.account.exposure_quote == worst, f"I5 {glance.account.exposure_quote} != {worst}"


def orders_within_the_hour(world: "World", entry: Order) -> None:
    """I5: an entry is journaled only while the hour has room. Asked at each journal entry."""
    made = sum(
        order.journaled_ms > entry.journaled_ms - 3_600_000
        for order in world.journaled()
        if order.client_order_id != entry.client_order_id
    )
    assert made < world.limits.orders_per_hour_max, f"I5 {made} orders within the hour"


def never_oversold(world: "World") -> None:
    """I6: neither the ledger nor the exchange ever holds less than nothing."""
    for symbol in world.symbols:
        ledger = world.books().ledgers[symbol]
        assert ledger.worst_base >= 0, f"I6 {symbol} {ledger.worst_base}"
        assert world.exchange.balance(symbol).free_base >= 0, f"I6 {symbol}"


def fills_applied_once(world: "World") -> None:
    """I7: the fills of an order add up to its totals, and all fills to what the ledger holds."""
    held = dict.fromkeys(world.symbols, ZERO)
    for order in world.journaled():
        fills = world.store.fills(order.client_order_id)
        assert total(fill.traded.base for fill in fills) == order.totals.base, f"I7 {order}"
        sign = 1 if order.request.side is Side.BUY else -1
        for fill in fills:
            held[order.request.symbol] += sign * fill.traded.base - fill.traded.fee_base
    for symbol, base in held.items():
        ledger = world.books().ledgers[symbol]
        assert ledger.position.base == base, f"I7 {symbol}: {ledger.position.base} != {base}"


def entries_only_while_on(world: "World") -> None:
    """I8: no entry is journaled once trading is not on. Asked at each entry's journal entry."""
    state = world.books().control.state
    assert state is TradingState.ON, f"I8 an entry is journaled while the table says {state}"


def entries_heed_the_parameter(world: "World", request: "Request") -> None:
    """I8: no entry takes effect once the parameter has long said otherwise. Asked at each order.

    It stands in no transaction: the bound is its age in the cache, the age that facts may have at
    the journal, and the life of a request.
    """
    since_ms = world.clock.at_ms - PARAMETER_AGE_MS_MAX
    heard = [state for state, until_ms in world.parameter_until_ms if until_ms >= since_ms]
    entry = request.side is Side.BUY
    assert not entry or TradingState.ON in heard, f"I8 an entry, the parameter says {heard}"


def every_stop_judged_or_told(world: "World", run: "Invocation") -> None:
    """I9: an exits run tells of each position that was open all the while."""
    told = {one.symbol for one in run.result.symbols}
    for symbol, opened_ms in world.open_at_start[run.name].items():
        if world.guarded().get(symbol) == opened_ms:
            assert symbol in told, f"I9 {run.name} does not tell of {symbol}"


def nothing_denied_that_exists(world: "World") -> None:
    """I10: an order that the books say was never made is not at the exchange."""
    for order in world.journaled():
        if order.state in CAME_TO_NOTHING:
            made = world.exchange.made(order.client_order_id)
            assert not made, f"I10 {order.client_order_id} is {order.state} and exists"


def only_the_holder_writes(world: "World", run_id: str, changes: list[Change]) -> None:
    """I11: nobody writes a ledger, or its order, that another run holds. Asked at each commit."""
    ledgers = world.books().ledgers
    for change in changes:
        match change:
            case Replace(Ledger(symbol=symbol)) | Unchanged(Ledger(symbol=symbol)):
                pass
            case Replace(Order() as order) | Create(Order() as order):
                symbol = order.request.symbol
            case _:
                continue
        lease = ledgers[symbol].lease
        free = lease is None or lease.owner == run_id or lease.expires_ms <= world.clock.at_ms
        assert free, f"I11 {run_id} writes {symbol}, which {lease} holds"


EVER = (
    submitted_once,
    one_order_a_slot,
    ledger_equals_exchange,
    worst_case_within_limits,
    never_oversold,
    fills_applied_once,
    nothing_denied_that_exists,
)


def at_commit(world: "World", run_id: str, changes: list[Change]) -> None:
    """What is asked of a commit, on the books as they stand right before it."""
    only_the_holder_writes(world, run_id, changes)
    for change in changes:
        if isinstance(change, Create) and isinstance(change.entity, Order):
            order = change.entity
            if order.request.purpose is Purpose.ENTRY:
                entries_only_while_on(world)
                orders_within_the_hour(world, order)
