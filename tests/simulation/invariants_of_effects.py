"""The promises of DESIGN 3 that are asked when something reaches the exchange."""

from typing import TYPE_CHECKING

from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import Order, Side
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.usecases.execution import JUDGED_WITHIN_MS
from simulation.client import Submission

if TYPE_CHECKING:
    from crypto_ai_bot.local.exchange.engine.orders import PriceOrder, SpotOrder
    from simulation.deployment import Deployment

REQUEST_LIFE_MS = 3_000
PARAMETER_AGE_MS = 10_000


def at_submission(deployment: "Deployment", submission: Submission) -> None:
    """I1, I3: submitted once, journaled before, by the deployment that holds the account."""
    if "trigger" in submission.body:
        name, ends_ms = _stop_at_submission(deployment, submission)
    else:
        name = submission.name
        order = deployment.orders.get(name)
        assert order, f"I3 {name} is submitted and not journaled"
        ends_ms = order.expires_ms
    assert name not in deployment.submitted, f"I1 {name} is submitted twice"
    deployment.submitted.add(name)
    assert 0 < submission.expires_ms <= ends_ms, f"I3 {name} may arrive after its end"
    holder = deployment.lock().owner
    assert holder == deployment.tag, f"{deployment.tag} trades, and {holder or 'nobody'} may"


def _stop_at_submission(deployment: "Deployment", submission: Submission) -> tuple[str, int]:
    """Which of the journaled stops is asked for, and its end by the exchange's time."""
    pair, price = submission.body["market"], submission.body["trigger"]["price"]
    journaled = [
        stop
        for symbol, stop in deployment.stops
        if f"{symbol.base}_{symbol.quote}" == pair and plain(stop.terms.trigger_price) == price
    ]
    assert journaled, f"I3 a stop of {pair} at {price} is submitted and not journaled"
    stop = journaled[-1]
    return f"stop {pair} {stop.journaled_ms}", stop.arrives_until_ms


def at_stop(deployment: "Deployment", made: "PriceOrder") -> None:
    """One stop rests for a symbol; an intermediary's second one apart, which the exchange takes."""
    world = deployment.world
    resting = [
        one
        for one in world.gate.account.open_price_orders.values()
        if one.put.pair_id == made.put.pair_id and world.exchange.stops.get(one.id) is deployment
    ]
    same = all(one.trigger == made.trigger and one.put == made.put for one in resting)
    assert same, f"I6 {len(resting)} stops rest for {made.put.pair_id}"


def at_fired(deployment: "Deployment", symbol: Symbol) -> None:
    """I10: a stop that the exchange fires is one that the books know of."""
    stop = deployment.ledger(symbol).exchange_stop
    assert stop, f"I10 a stop of {symbol} fires that the books do not know of"


def at_trade(deployment: "Deployment", made: "SpotOrder") -> None:
    """I2, I6, I8, asked when an order of ours takes effect at the exchange."""
    order = deployment.orders[made.wish.text]
    request = order.request
    names = deployment.made[request.symbol, request.purpose, request.slot_ms]
    if made.filled_base:
        names.add(order.client_order_id)
    assert len(names) <= 1, f"I2 {request.purpose} of {request.slot_ms}: {sorted(names)}"
    settled = deployment.ledger(request.symbol).pending is None
    denied = order.client_order_id in deployment.denied
    late = settled and made.filled_base and not denied and not deployment.world.exchange.doubled
    assert not late, f"I10 {order.client_order_id} takes effect, and the books are settled"
    resting = deployment.ledger(request.symbol).exchange_stop
    repeated = len(deployment.world.gate.named(order.client_order_id)) > 1  # by an intermediary
    assert not resting or repeated, f"I6 {order.client_order_id} beside {resting}"
    if request.side is Side.BUY:
        _entries_heed_the_parameter(deployment, order)
    else:
        held = deployment.ledger(request.symbol).position.base
        enough = made.filled_base <= held or deployment.world.exchange.doubled
        assert enough, f"I6 {order.client_order_id} sells {made.filled_base} of {held} held"


def _entries_heed_the_parameter(deployment: "Deployment", order: Order) -> None:
    """I8: no entry takes effect once the parameter has long said otherwise.

    It stands in no transaction: the bound is its age in the cache, the age that facts may have at
    the journal, and the life of a request.
    """
    world = deployment.world
    life_ms = max(order.expires_ms - order.journaled_ms, REQUEST_LIFE_MS) + world.skew_ms_max
    since_ms = world.now_ms - PARAMETER_AGE_MS - JUDGED_WITHIN_MS - life_ms
    heard = [state for state, until_ms in world.parameter_until_ms if until_ms >= since_ms]
    assert TradingState.ON in heard, f"I8 {order.client_order_id}, the parameter says {heard}"
