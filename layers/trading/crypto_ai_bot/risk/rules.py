"""What is held against a request: each rule a small function that returns its objection or None."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance, MarketRules, Quote
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import OrderRequest
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.risk.limits import RiskLimits

STALE_TICK_MS: Final = 90_000
STALE_PRICE_MS: Final = 60_000  # as long as an invocation lives: only a frozen one is older


@dataclass(frozen=True, slots=True)
class Facts:
    """What a request is judged on. `account` is as it counts now (`Account.at`).

    `open_loss_quote` is what open positions would lose if sold at the bid, never negative.
    `exchange_trouble` says why the exchange is left alone for a while, "" when it is not.
    """

    now_ms: int
    scheduled_ms: int
    trading_state: TradingState
    quote: Quote
    market: MarketRules
    ledger: Ledger
    account: Account
    balance: Balance
    open_loss_quote: Decimal
    exchange_trouble: str = ""


type Objection = str | None
type Rule = Callable[[OrderRequest, Facts, RiskLimits], Objection]


def entries_closed(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """Invariant I8: no entry unless trading is on."""
    if facts.trading_state.entries_open:
        return None
    return f"trading_state: {facts.trading_state} makes no entry"


def exits_closed(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """Only `off` keeps positions from being sold."""
    return None if facts.trading_state.exits_open else "trading_state: off makes no order"


def stale_tick(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """A tick that arrives late enters on a market that it has not seen."""
    age_ms = facts.now_ms - facts.scheduled_ms
    if age_ms <= STALE_TICK_MS:
        return None
    return f"stale_tick: {age_ms // 1000} s old, {STALE_TICK_MS // 1000} s allowed"


def exchange_failing(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """The circuit breaker: what is entered on a failing exchange may be hard to leave."""
    return f"exchange: {facts.exchange_trouble}" if facts.exchange_trouble else None


def stale_price(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """A run that was frozen neither buys nor sells at a price that has moved on unseen."""
    age_ms = facts.now_ms - facts.quote.read_ms
    if age_ms <= STALE_PRICE_MS:
        return None
    return f"price: {age_ms // 1000} s old, {STALE_PRICE_MS // 1000} s allowed"


def halted(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """A halted symbol enters nothing until a person has looked."""
    return f"halted: {facts.ledger.halt.reason}" if facts.ledger.halt else None


def order_under_way(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """A symbol has at most one order whose fate is open; a stop at the exchange is one as well."""
    if pending := facts.ledger.pending:
        return f"pending: order {pending.client_order_id} is not settled"
    if facts.ledger.exchange_stop:
        return "exchange_stop: what rests at the exchange may sell at any moment"
    return None


def slot_taken(request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """Invariant I2: at most one order per symbol, purpose and slot."""
    if facts.ledger.next_attempt(request.purpose, request.slot_ms) is not None:
        return None
    return f"slot: the {request.purpose} of {request.slot_ms} was already made"


def already_held(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """One entry a position: what is held is more than dust."""
    held = facts.market.sellable_base(facts.ledger.position.base, facts.quote.bid)
    return f"position: {plain(held)} is already held" if held else None


def market_closed_to_buys(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """The exchange must let one buy, and must not have announced a delisting."""
    if facts.market.may_buy:
        return None
    return f"market: {facts.market.trade_status}, delisting_ms {facts.market.delisting_ms}"


def market_closed_to_sells(_request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """The exchange must let one sell."""
    return None if facts.market.may_sell else f"market: {facts.market.trade_status}"


def buy_too_small(request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """Both minimums of the exchange, after the amount was cut to its step."""
    market = facts.market
    if request.amount < market.amount_quote_min or request.amount <= 0:
        return f"minimum: {plain(request.amount)} quote, {plain(market.amount_quote_min)} needed"
    if request.amount < market.amount_base_min * facts.quote.ask:
        return f"minimum: {plain(market.amount_base_min)} base costs more than the amount"
    return None


def balance_short(request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """A buy spends what is free."""
    free = facts.balance.free_quote
    if request.amount <= free:
        return None
    return f"balance: {plain(free)} quote free, {plain(request.amount)} needed"


def oversold(request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """Invariant I6: sells no more than is surely held, a pending sell counted as sold."""
    held = facts.ledger.worst_base
    if 0 < request.amount <= held:
        return None
    return f"holding: {plain(held)} held, {plain(request.amount)} to sell"


def not_free(request: OrderRequest, facts: Facts, _limits: RiskLimits) -> Objection:
    """The exchange would refuse to sell what is not there, as often as it is asked.

    Before a further attempt in a slot the last one is searched for: it may be why nothing is there.
    """
    free = facts.balance.free_base
    further = (facts.ledger.next_attempt(request.purpose, request.slot_ms) or 1) > 1
    if request.amount <= free or further:
        return None
    return f"balance: {plain(free)} base free at the exchange, {plain(request.amount)} to sell"


def cooling_down(_request: OrderRequest, facts: Facts, limits: RiskLimits) -> Objection:
    """A pause after each entry of the symbol."""
    passed_ms = facts.now_ms - facts.ledger.last_entry_ms
    if passed_ms >= limits.cooldown_ms:
        return None
    return f"cooldown: {passed_ms // 1000} s of {limits.cooldown_ms // 1000} s passed"


def spread_too_wide(_request: OrderRequest, facts: Facts, limits: RiskLimits) -> Objection:
    """A market order pays the spread."""
    spread = facts.quote.spread_pct
    if not limits.spread_pct_max or spread <= limits.spread_pct_max:
        return None
    return f"spread: {spread:.3f} %, {plain(limits.spread_pct_max)} % allowed"


def position_too_large(request: OrderRequest, facts: Facts, limits: RiskLimits) -> Objection:
    """All that would be held of the symbol, in base, at the ask."""
    if not limits.position_base_max:
        return None
    wanted = facts.ledger.position.base + request.amount / facts.quote.ask
    if wanted <= limits.position_base_max:
        return None
    return f"position_base: {wanted:.8f} wanted, {plain(limits.position_base_max)} allowed"


def too_many_orders(_request: OrderRequest, facts: Facts, limits: RiskLimits) -> Objection:
    """Orders of the last sixty minutes over all symbols, protective ones counted too."""
    made = len(facts.account.order_times_ms)
    if not limits.orders_per_hour_max or made < limits.orders_per_hour_max:
        return None
    return f"orders_per_hour: {made} made, {limits.orders_per_hour_max} allowed"


def day_lost(_request: OrderRequest, facts: Facts, limits: RiskLimits) -> Objection:
    """The day's realised result, less what open positions would lose now."""
    loss = facts.open_loss_quote - facts.account.realised_quote
    if not limits.day_is_lost(loss):
        return None
    return f"daily_loss: {plain(loss)} quote, {plain(limits.daily_loss_quote_max)} allowed"


def too_exposed(request: OrderRequest, facts: Facts, limits: RiskLimits) -> Objection:
    """Invariant I5: everything held at cost, pending buys counted as bought, and this one."""
    wanted = facts.account.exposure_quote + request.amount
    if not limits.exposure_quote_max or wanted <= limits.exposure_quote_max:
        return None
    return f"exposure: {plain(wanted)} quote wanted, {plain(limits.exposure_quote_max)} allowed"


ENTRY_RULES: Final[tuple[Rule, ...]] = (
    entries_closed,
    stale_tick,
    exchange_failing,
    stale_price,
    halted,
    order_under_way,
    slot_taken,
    already_held,
    market_closed_to_buys,
    buy_too_small,
    balance_short,
    cooling_down,
    spread_too_wide,
    position_too_large,
    too_many_orders,
    day_lost,
    too_exposed,
)

# A protective sell is never kept back by a limit: only by what would make it untrue.
EXIT_RULES: Final[tuple[Rule, ...]] = (
    exits_closed,
    stale_price,
    order_under_way,
    slot_taken,
    market_closed_to_sells,
    oversold,
    not_free,
)
