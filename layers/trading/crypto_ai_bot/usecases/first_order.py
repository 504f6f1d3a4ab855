"""What the first order of a symbol would be, judged as if the strategy entered now. Reads alone."""

from dataclasses import dataclass

from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ZERO, plain
from crypto_ai_bot.domain.order import OrderRequest
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.risk.gate import Verdict, review
from crypto_ai_bot.risk.rules import Facts
from crypto_ai_bot.risk.sizing import size_entry
from crypto_ai_bot.usecases.desk import Desk, trading_state


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """A request that is never made, and what the risk gate says of it."""

    request: OrderRequest
    verdict: Verdict

    def __str__(self) -> str:
        request = self.request
        symbol = request.symbol
        return (
            f"market buy of {symbol.base} for {plain(request.amount)} {symbol.quote} "
            f"at about {plain(request.reference_price)}"
        )


def first_order(desk: Desk, symbol: Symbol) -> FirstOrder:
    """What an entry would ask for at this moment. Raises ExchangeUnavailable, StoreUnavailable."""
    glance, now_ms = desk.store.glance(), desk.clock.now_ms()
    market = desk.broker.fetch_rules(symbol, now_ms)
    balance = desk.broker.fetch_balance(symbol)
    quote = desk.broker.fetch_ticker(symbol)
    state, _ = trading_state(desk, glance.control)
    signal, slot_ms = Signal(Action.ENTER, 1.0, ("a rehearsal",)), desk.policy.slot_ms(now_ms)
    request = size_entry(signal, quote, market, desk.policy.amount_quote, slot_ms)
    facts = Facts(
        now_ms=desk.clock.now_ms(),
        scheduled_ms=now_ms,
        trading_state=state,
        quote=quote,
        market=market,
        ledger=glance.ledgers.get(symbol) or Ledger(symbol),
        account=glance.account.at(now_ms),
        balance=balance,
        open_loss_quote=ZERO,
        exchange_trouble=desk.broker.trouble(now_ms),
    )
    return FirstOrder(request, review(request, facts, desk.policy.limits).verdict)
