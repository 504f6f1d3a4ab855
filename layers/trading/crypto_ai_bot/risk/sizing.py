"""How much: from an opinion or a stop to a request that the exchange's rules can carry."""

from dataclasses import replace
from decimal import Decimal

from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance, MarketRules, Quote
from crypto_ai_bot.domain.money import floor_to_step
from crypto_ai_bot.domain.order import OrderRequest, Purpose, Side
from crypto_ai_bot.domain.signal import Signal
from crypto_ai_bot.domain.stop import ExitCall


def size_entry(
    signal: Signal, quote: Quote, rules: MarketRules, amount_quote: Decimal, slot_ms: int
) -> OrderRequest:
    """A market buy of `amount_quote`, cut down to the price step as the exchange would cut it.

    The minimums are the gate's to judge, so that an amount that is too small has a reason.
    """
    return OrderRequest(
        symbol=rules.symbol,
        side=Side.BUY,
        purpose=Purpose.ENTRY,
        slot_ms=slot_ms,
        amount=entry_amount(amount_quote, rules),
        reference_price=quote.ask,
        reason="; ".join(signal.reasons),
        atr=signal.atr,
    )


def size_exit(
    call: ExitCall, ledger: Ledger, quote: Quote, rules: MarketRules, slot_ms: int
) -> OrderRequest | None:
    """A market sell for what `call` asks of what is surely held; None when that is dust."""
    amount = exit_amount(call.amount_base, ledger.worst_base, quote.bid, rules)
    if not amount:
        return None
    return OrderRequest(
        symbol=rules.symbol,
        side=Side.SELL,
        purpose=call.purpose,
        slot_ms=slot_ms,
        amount=amount,
        reference_price=quote.bid,
        reason=call.reason,
    )


def entry_amount(amount_quote: Decimal, rules: MarketRules) -> Decimal:
    """The quote that a buy of `amount_quote` may carry."""
    return floor_to_step(amount_quote, rules.price_step_quote)


def exit_amount(
    wanted_base: Decimal, held_base: Decimal, bid: Decimal, rules: MarketRules
) -> Decimal:
    """The base that a sell of `wanted_base` may carry; 0 when that is dust.

    A part whose rest could not be sold any more takes the rest with it.
    """
    amount = rules.sellable_base(min(wanted_base, held_base), bid)
    if amount and not rules.sellable_base(held_base - amount, bid):
        return floor_to_step(held_base, rules.amount_step_base)
    return amount


def cut_to_free(
    request: OrderRequest, balance: Balance, quote: Quote, rules: MarketRules
) -> OrderRequest:
    """A sell of no more than is free at the exchange; as it was when only dust is (gate-spot 4.3).

    Somebody may have taken a part of it away: what is left must still have its stop.
    """
    if request.side is Side.BUY or request.amount <= balance.free_base:
        return request
    amount = rules.sellable_base(balance.free_base, quote.bid)
    return replace(request, amount=amount) if amount else request
