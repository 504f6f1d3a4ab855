"""Entities with speaking defaults, so that a test names only what it is about."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance, MarketRules, Quote, Symbol, TradeStatus
from crypto_ai_bot.domain.order import (
    Fill,
    Order,
    OrderReport,
    OrderRequest,
    OrderState,
    Purpose,
    Side,
    Totals,
)
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.risk.rules import Facts

BTC = Symbol("BTC", "USDT")
ETH = Symbol("ETH", "USDT")
NOON_MS = 1_678_363_200_000  # 2023-03-09T12:00:00Z


def dec(text: str | int) -> Decimal:
    return Decimal(text)


def market(symbol: Symbol = BTC, **changes: Any) -> MarketRules:
    rules = MarketRules(
        symbol=symbol,
        amount_step_base=dec("0.000001"),
        price_step_quote=dec("0.1"),
        amount_base_min=dec("0.000001"),
        amount_quote_min=dec(3),
        taker_fee_rate=dec("0.002"),
        trade_status=TradeStatus.TRADABLE,
        delisting_ms=0,
        read_ms=NOON_MS,
    )
    return replace(rules, **changes)


def quote(bid: str = "20000", ask: str = "20001", read_ms: int = NOON_MS) -> Quote:
    return Quote(dec(bid), dec(ask), dec(bid), read_ms)


def buy_request(amount: str = "100", **changes: Any) -> OrderRequest:
    request = OrderRequest(
        symbol=BTC,
        side=Side.BUY,
        purpose=Purpose.ENTRY,
        slot_ms=NOON_MS,
        amount=dec(amount),
        reference_price=dec(20001),
        reason="EMA 12 crossed above EMA 26",
        atr=15.0,
    )
    return replace(request, **changes)


def sell_request(amount: str = "0.005", **changes: Any) -> OrderRequest:
    request = OrderRequest(
        symbol=BTC,
        side=Side.SELL,
        purpose=Purpose.STOP,
        slot_ms=NOON_MS,
        amount=dec(amount),
        reference_price=dec(20000),
        reason="price 19000 reached the stop at 19000",
    )
    return replace(request, **changes)


def order(request: OrderRequest | None = None, **changes: Any) -> Order:
    journaled = Order(
        client_order_id="t-paper-abc",
        request=request or buy_request(),
        attempt=1,
        state=OrderState.PENDING,
        journaled_ms=NOON_MS,
        expires_ms=NOON_MS + 3_000,
        lease_token=1,
        correlation_id="run-1",
        balance_before=(dec(10_000), dec(0)),
    )
    return replace(journaled, **changes)


def report(of: Order, base: str, cost: str, **changes: Any) -> OrderReport:
    """What the exchange would say of `of`, filled by `base` at `cost` quote; a fee of 0.2 %."""
    side = of.request.side
    fee_base = dec(base) * dec("0.002") if side is Side.BUY else dec(0)
    fee_quote = dec(cost) * dec("0.002") if side is Side.SELL else dec(0)
    said = OrderReport(
        exchange_order_id="7001",
        client_order_id=of.client_order_id,
        symbol=of.request.symbol,
        side=side,
        finished=True,
        finish_reason="filled",
        totals=Totals(dec(base), dec(cost), fee_base, fee_quote),
        updated_ms=NOON_MS + 500,
    )
    return replace(said, **changes)


def fill(
    side: Side, base: str, cost: str, client_order_id: str = "t-paper-abc", **fees: Any
) -> Fill:
    traded = Totals(dec(base), dec(cost), **fees)
    return Fill(f"{client_order_id}:1", client_order_id, BTC, side, traded, NOON_MS)


def facts(**changes: Any) -> Facts:
    judged = Facts(
        now_ms=NOON_MS,
        scheduled_ms=NOON_MS,
        trading_state=TradingState.ON,
        quote=quote(),
        market=market(),
        ledger=Ledger(BTC),
        account=Account(day_ms=NOON_MS - NOON_MS % 86_400_000),
        balance=Balance(dec(10_000), dec(1)),
        open_loss_quote=dec(0),
    )
    return replace(judged, **changes)


LIMITS = RiskLimits(
    cooldown_ms=300_000,
    spread_pct_max=dec("0.5"),
    position_base_max=dec(1),
    orders_per_hour_max=6,
    daily_loss_quote_max=dec(100),
    exposure_quote_max=dec(1_000),
)
