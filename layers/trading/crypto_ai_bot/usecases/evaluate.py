"""The evaluate job: settle what is open, read the market, and act on the strategy's opinion."""

from typing import NamedTuple

from crypto_ai_bot.domain.errors import InvariantBroken, NextTick
from crypto_ai_bot.domain.job import Tick
from crypto_ai_bot.domain.market import TIMEFRAMES_MS, MarketRules, Symbol, bar_closed_ms
from crypto_ai_bot.domain.order import OrderRequest, Purpose
from crypto_ai_bot.domain.signal import HOLD, Action, Signal
from crypto_ai_bot.domain.stop import ExitCall
from crypto_ai_bot.risk.sizing import size_entry, size_exit
from crypto_ai_bot.strategies.base import fold
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.outcome import Decision, RunOutcome, SymbolOutcome
from crypto_ai_bot.usecases.run import Sight, finish, look, look_again
from crypto_ai_bot.usecases.trading import market_of, settle_first, trade


class Opinion(NamedTuple):
    """A signal and the slot it is for: the close of the bar that signalled."""

    signal: Signal
    slot_ms: int


def evaluate(desk: Desk, tick: Tick) -> RunOutcome:
    """One run over the tick's symbols; one symbol's trouble does not keep the others back."""
    symbols = tick.symbols or desk.policy.symbols
    sight = look(desk, tick, symbols)
    outcomes = []
    for symbol in symbols:
        outcome = _evaluate_symbol(desk, sight, symbol)
        outcomes.append(outcome)
        if outcome.order:
            sight = look_again(desk, sight)  # the account has moved: the next one is judged on it
    return finish(desk, sight, outcomes)


def _evaluate_symbol(desk: Desk, sight: Sight, symbol: Symbol) -> SymbolOutcome:
    try:
        if sight.ledger(symbol).pending:
            return settle_first(desk, sight, symbol)
        if symbol not in sight.quotes:
            return SymbolOutcome(symbol, Decision.ERROR, ("the exchange quotes no price",))
        return _act_on_opinion(desk, sight, symbol)
    except (NextTick, InvariantBroken) as error:
        quote, ledger = sight.quotes.get(symbol), sight.ledger(symbol)
        return SymbolOutcome(symbol, Decision.ERROR, (str(error),), quote=quote, ledger=ledger)


def _act_on_opinion(desk: Desk, sight: Sight, symbol: Symbol) -> SymbolOutcome:
    market = market_of(desk, sight, symbol)
    opinion = _opinion(desk, sight, market)
    request = _request(desk, sight, market, opinion)
    if request:
        return trade(desk, sight, request, market, opinion.signal)
    return SymbolOutcome(
        symbol,
        Decision.HOLD,
        opinion.signal.reasons,
        opinion.signal,
        quote=sight.quotes[symbol],
        ledger=sight.ledger(symbol),
    )


def _opinion(desk: Desk, sight: Sight, market: MarketRules) -> Opinion:
    """The strategy's signal on the bars closed by now.

    No opinion before the warm-up is complete, nor on a bar that is not the last one due: after a
    gap the market has moved on without being seen.
    """
    policy, symbol = desk.policy, market.symbol
    timeframe_ms = TIMEFRAMES_MS[policy.timeframe]
    strategy = policy.strategy
    now_ms = desk.clock.now_ms()
    candles = desk.broker.fetch_candles(symbol, policy.timeframe, strategy.warm_up_bars, now_ms)
    slot_ms = bar_closed_ms(candles[-1], timeframe_ms) if candles else 0
    if len(candles) < strategy.warm_up_bars:
        reason = f"{len(candles)} of {strategy.warm_up_bars} closed bars: still warming up"
        return Opinion(HOLD._replace(reasons=(reason,)), slot_ms)
    if now_ms - slot_ms >= timeframe_ms:
        reason = f"the last closed bar is {(now_ms - slot_ms) // 1000} s old: a gap"
        return Opinion(HOLD._replace(reasons=(reason,)), slot_ms)
    holding = bool(
        market.sellable_base(sight.ledger(symbol).position.base, sight.quotes[symbol].bid)
    )
    signal = fold(strategy, candles, holding=holding)
    if signal.action is Action.ENTER and policy.stops.atr_multiple and not signal.atr:
        reason = "no average true range for the ATR stop: the position would have none"
        return Opinion(HOLD._replace(reasons=(reason,)), slot_ms)
    return Opinion(signal, slot_ms)


def _request(
    desk: Desk, sight: Sight, market: MarketRules, opinion: Opinion
) -> OrderRequest | None:
    signal, slot_ms = opinion.signal, desk.policy.slot_ms(opinion.slot_ms)
    ledger, quote = sight.ledger(market.symbol), sight.quotes[market.symbol]
    match signal.action:
        case Action.HOLD:
            return None
        case Action.ENTER:
            return size_entry(signal, quote, market, desk.policy.amount_quote, slot_ms)
        case Action.EXIT:
            call = ExitCall(Purpose.EXIT, ledger.worst_base, "; ".join(signal.reasons))
            return size_exit(call, ledger, quote, market, slot_ms)
