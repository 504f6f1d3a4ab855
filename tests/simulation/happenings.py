"""What happens on a rough day beside the ticks: at the market, the exchange, and by hand."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.market import MINUTE_MS, Symbol
from crypto_ai_bot.domain.money import floor_to_step, total
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.local.exchange.engine.orders import OrderType, TimeInForce, Wish
from crypto_ai_bot.usecases.control import set_trading_state
from simulation.doors import ClockDoor
from simulation.scheduler import Invocation
from simulation.stops import STOPS

if TYPE_CHECKING:
    from crypto_ai_bot.local.exchange.pairs import TradeStatus
    from simulation.deployment import Deployment
    from simulation.market import Pair
    from simulation.world import World

_LAGS_MS: Final = (
    (5_000, 0, 0),
    (20_000, 5_000, 5_000),
    (60_000, 60_000, 0),
    (60_000, 60_000, 28_000),
    (0, 0, 0),
)
WISHES: Final = (TradingState.EXITS_ONLY, *[TradingState.OFF] * 2, *[TradingState.ON] * 3)


def calm(world: "World") -> None:
    """A spell is over: the exchange shows all there is, and the operator wants to trade."""
    world.weather = None
    world.exchange.halves = False
    world.gate.half_seen.clear()
    world.gate.engine.conditions = replace(
        world.gate.engine.conditions, order_list_lag_ms=0, trade_lag_ms=0, balance_lag_ms=0
    )
    for pair in world.gate.market.pairs.values():
        pair.thin_until_ms = 0
        pair.rules = replace(pair.rules, trade_status="tradable", delisting_s=0)
    if world.rng.random() < 0.5:
        for symbol in world.grounds.symbols:
            bring_back(world, symbol)
    if world.parameter is not TradingState.ON:
        world.set_parameter(TradingState.ON)
    for number, deployment in enumerate(world.deployments):
        if deployment.control.state is not TradingState.ON:
            operate(world, TradingState.ON, number)


def operate(world: "World", state: TradingState, number: int = 0) -> None:
    """The operator starts or stops a deployment, with a run of its own."""
    deployment = world.deployments[number]
    name = f"{deployment.tag}-operator-{len(deployment.events)}-{world.now_ms}"

    def body(run: Invocation) -> Any:
        store, clock = deployment.store(run), ClockDoor(run, world)
        return set_trading_state(store, clock, state, "a test", "operator")

    world.begin(name, deployment, body)


def _operator(world: "World") -> None:
    operate(world, world.rng.choice(WISHES), world.rng.randrange(len(world.deployments)))


def _parameter(world: "World") -> None:
    world.set_parameter(world.rng.choice(WISHES))


def _any_pair(world: "World") -> "Pair":
    return world.rng.choice(tuple(world.gate.market.pairs.values()))


def _jumps(world: "World") -> None:
    _any_pair(world).jump(1 + world.rng.uniform(-0.06, 0.06))


def _lags(world: "World") -> None:
    """Listings show what stood a while ago; balances too, for less than absence is searched for.

    But not where a refusal may be false: all that speaks against one would be late then. There
    what is held is sold into the lag instead; elsewhere it is sold and bought again within it.
    """
    orders_ms, trades_ms, balances_ms = world.rng.choice(_LAGS_MS)
    if world.day_weather.has("falsely_refused"):
        balances_ms = 0
        if orders_ms:
            _sold_unseen(world)
    elif balances_ms:
        _turned_over_unseen(world)
    world.gate.engine.conditions = replace(
        world.gate.engine.conditions,
        order_list_lag_ms=orders_ms,
        trade_lag_ms=trades_ms,
        balance_lag_ms=balances_ms,
    )


def _sold_unseen(world: "World") -> None:
    """What is held is sold, perhaps twice, and compared before any listing can show that."""
    minute_ms = world.now_ms - world.now_ms % MINUTE_MS
    for number, _ in enumerate(world.deployments):
        world.start(Job.EVALUATE, minute_ms, number, Action.EXIT)
        _later(world, number, Job.EVALUATE, Action.EXIT, (2_000, 10_000, 30_000))
        _later(world, number, Job.RECONCILE, None, (3_000, 15_000, 45_000))


def _turned_over_unseen(world: "World") -> None:
    """What is held is sold, and bought again before the balance shows that."""
    minute_ms = world.now_ms - world.now_ms % MINUTE_MS
    for number, _ in enumerate(world.deployments):
        world.start(Job.EVALUATE, minute_ms, number, Action.EXIT)
        _later(world, number, Job.EVALUATE, Action.ENTER, (3_000, 7_000, 12_000))


def _later(
    world: "World", number: int, job: Job, says: Action | None, after_ms: tuple[int, ...]
) -> None:
    """A run of this minute that comes one of `after_ms` later."""
    run = world.start(job, world.now_ms - world.now_ms % MINUTE_MS, number, says)
    run.ready_ms += world.rng.choice(after_ms)


def _thin(world: "World") -> None:
    pair = _any_pair(world)
    pair.shown = Decimal(world.rng.choice(("0", "0.2", "0.5", "0.9")))
    pair.thin_until_ms = world.now_ms + 120_000


def _halves(world: "World") -> None:
    world.exchange.halves = not world.exchange.halves


def _rules(world: "World") -> None:
    """The exchange closes a pair to buys, to sells or to both, or announces its end."""
    pair = _any_pair(world)
    status: TradeStatus = world.rng.choice(("tradable", "sellable", "buyable", "untradable"))
    delisting_s = world.rng.choice((0, 0, world.now_ms // 1_000 + 86_400))
    pair.rules = replace(pair.rules, trade_status=status, delisting_s=delisting_s)


def _expiry(world: "World") -> None:
    """TTL is lazy: some of what has expired goes, and some of it stays."""
    for deployment in world.deployments:
        for key in deployment.table.expired(world.now_ms):
            if world.rng.random() < 0.5:
                deployment.table.drop(key)


def _gap(world: "World") -> None:
    """For some bars the exchange has no candles, of what has just been and of what comes."""
    pair = _any_pair(world)
    minute = pair.minute(world.now_ms)
    pair.gap = range(minute - 6, minute + 20)


def _turnover(world: "World") -> None:
    """A price reaches a stop or a step; who judges it is slow, and others sell and buy anew."""
    rng, pairs = world.rng, world.gate.market.pairs
    held = [f"{one.base}_{one.quote}" for each in world.deployments for one in each.guarded()]
    pairs[rng.choice(held or list(pairs))].jump(1 + rng.choice((-1, 1)) * rng.uniform(0.03, 0.06))
    world.overtaken_until_ms = world.now_ms + 10_000
    minute_ms = world.now_ms - world.now_ms % MINUTE_MS
    for number, _ in enumerate(world.deployments):
        world.start(Job.EXITS, minute_ms, number)
        sells = world.start(Job.EVALUATE, minute_ms, number, Action.EXIT)
        sells.ready_ms += rng.choice((0, 2_000, 5_000))
        buys = world.start(Job.EVALUATE, minute_ms, number, Action.ENTER)
        buys.ready_ms = sells.ready_ms + rng.choice((3_000, 7_000, 12_000))


def _redeploy(world: "World") -> None:
    """The operator deploys with other stops: new processes, the same books."""
    for deployment in world.deployments:
        deployment.policy = replace(deployment.policy, stops=world.rng.choice(STOPS))
        deployment.processes.clear()


def _hand(world: "World") -> None:
    """The operator deposits, withdraws or trades on the same account."""
    rng, gate = world.rng, world.gate
    symbol = rng.choice(world.grounds.symbols)
    pair = gate.market.pairs[f"{symbol.base}_{symbol.quote}"]
    world.exchange.tell_time()
    for deployment in world.deployments:
        deployment.excused.setdefault(symbol, "the operator's hand")
    free = gate.account.available(symbol.base)
    some = floor_to_step(
        Decimal(rng.choice((50, 120))) / pair.last(gate.now_ms) + pair.rules.amount_step,
        pair.rules.amount_step,
    )
    match rng.randrange(8):
        case 0:
            gate.engine.transfer(gate.account, symbol.base, some, gate.now_ms)
        case 1:
            part = floor_to_step(free * Decimal("0.6"), pair.rules.amount_step)
            gate.engine.transfer(gate.account, symbol.base, -part, gate.now_ms)
        case 2:
            gate.engine.transfer(gate.account, symbol.quote, Decimal(500), gate.now_ms)
        case 3:
            gate.engine.transfer(gate.account, symbol.quote, Decimal(-500), gate.now_ms)
        case 4:
            _trade_by_hand(world, pair.rules.id, Side.BUY, Decimal(50))
        case 5:
            _trade_by_hand(world, pair.rules.id, Side.SELL, min(some, free))
        case _:
            bring_back(world, symbol)


def bring_back(world: "World", symbol: Symbol, *deployments: "Deployment") -> None:
    """What the ledgers hold and the account does not comes back, when a hand has taken it."""
    theirs = deployments or tuple(world.deployments)
    if any(one.ledger(symbol).pending or symbol not in one.excused for one in theirs):
        return
    held = total(one.ledger(symbol).position.base for one in theirs)
    missing = held - world.gate.account.available(symbol.base)
    if missing > 0:
        world.exchange.tell_time()
        world.gate.engine.transfer(world.gate.account, symbol.base, missing, world.gate.now_ms)


def _trade_by_hand(world: "World", pair_id: str, side: Side, amount: Decimal) -> None:
    wish = Wish(pair_id, side, OrderType.MARKET, amount, time_in_force=TimeInForce.IOC)
    if amount > 0:
        world.gate.engine.place(world.gate.account, wish, world.gate.now_ms)
        world.exchange.take_in_trades()


HAPPENINGS: Final[Mapping[str, Callable[["World"], None]]] = {
    "operator": _operator,
    "parameter": _parameter,
    "jumps": _jumps,
    "lags": _lags,
    "thin": _thin,
    "halves": _halves,
    "rules": _rules,
    "expiry": _expiry,
    "hand": _hand,
    "gap": _gap,
    "redeploy": _redeploy,
    "turnover": _turnover,
}
