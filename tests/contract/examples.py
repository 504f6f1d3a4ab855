"""Entities with something in every field."""

from dataclasses import replace
from decimal import Decimal

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.exchange_stop import ExchangeStop, StopTerms
from crypto_ai_bot.domain.job import Health, Heartbeat, Job
from crypto_ai_bot.domain.ledger import Halt, Lease, Ledger, Pending, SlotUse
from crypto_ai_bot.domain.market import MarketRules, Symbol, TradeStatus
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
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.domain.position import Lot, Position
from crypto_ai_bot.domain.stop import Guard
from crypto_ai_bot.domain.trading_state import Control, TradingState

BTC = Symbol("BTC", "USDT")
ETH = Symbol("ETH", "USDT")
NOW_MS = 1_678_320_000_000
ID = "t-demo-abcdefghij"

TOTALS = Totals(
    Decimal("0.00125"), Decimal("25.01"), Decimal("0.0000025"), Decimal("0.01"), {"GT": Decimal(1)}
)

ACCOUNT = Account(
    (NOW_MS - 5, NOW_MS),
    NOW_MS,
    Decimal("-12.34"),
    7,
    {"BTC/USDT": Decimal("25.01")},
    Decimal("974.99"),
)

LEDGER = Ledger(
    BTC,
    Position((Lot(f"{ID}:1", Decimal("0.0012475"), Decimal("25.01"), NOW_MS),)),
    Guard(NOW_MS, 20008.1, 20048.2, Decimal("0.00125"), 51.25, 20100.5, 19007.695),
    Pending(ID, Side.SELL, Purpose.STOP, Decimal("0.0012"), Decimal("19007.6"), NOW_MS),
    {Purpose.ENTRY: SlotUse(NOW_MS, 2), Purpose.STOP: SlotUse(NOW_MS, 1, came_to_nothing=True)},
    NOW_MS,
    Halt("drift of 0.1 BTC", NOW_MS),
    Lease("run-1", 9, NOW_MS + 60_000),
    9,
    foreign_base=Decimal("0.1"),
    looked_ms=NOW_MS,
    exchange_stop=ExchangeStop(
        StopTerms(Decimal("19007.6"), Decimal("18437.3"), Decimal("0.0012")),
        NOW_MS,
        NOW_MS + 120,
        NOW_MS + 60_120,
        NOW_MS + 604_800_000,
        ("1432329",),
        2,
        NOW_MS + 70_000,
    ),
)

RULES = MarketRules(
    BTC,
    Decimal("0.000001"),
    Decimal("0.1"),
    Decimal("0.00001"),
    Decimal(3),
    Decimal("0.002"),
    TradeStatus.TRADABLE,
    0,
    NOW_MS,
)

HEARTBEAT = Heartbeat(
    Job.EXITS, NOW_MS, NOW_MS + 900, ok=True, summary={"judged": 2, "by": {"BTC/USDT": [0.5, None]}}
)
HEALTH = Health("degraded", {"exits": "ok", "key": "expires in 9 days"}, NOW_MS)
CONTROL = Control(TradingState.EXITS_ONLY, "holiday", "api", NOW_MS)
EVENT = Event("halt:BTC/USDT:1678320000000", EventKind.HALT, NOW_MS, "BTC/USDT", "drift")

REQUEST = OrderRequest(
    BTC, Side.BUY, Purpose.ENTRY, NOW_MS, Decimal(25), Decimal("20008.1"), "crossed", 51.25
)
ORDER = Order(
    ID,
    REQUEST,
    1,
    OrderState.PENDING,
    NOW_MS,
    NOW_MS + 5000,
    9,
    "run-1",
    (Decimal("1000.5"), Decimal(0)),
)
CLOSED = replace(
    ORDER,
    state=OrderState.CLOSED,
    exchange_order_id="1234",
    totals=TOTALS,
    resolution="filled",
    answer='{"id": "1234"}',
    absences=1,
    absent_since_ms=NOW_MS,
    updated_ms=NOW_MS + 800,
)
FILL = Fill(f"{ID}:0.00125", ID, BTC, Side.BUY, TOTALS, NOW_MS + 700, 4)

REPORT = OrderReport(
    "1234", ID, BTC, Side.BUY, finished=True, finish_reason="filled", totals=TOTALS,
    updated_ms=NOW_MS,
)  # fmt: skip
PAPER_ACCOUNT = PaperAccount({"USDT": Decimal("974.99"), "BTC": Decimal("0.00125")}, 1)
PAPER_ORDER = PaperOrder(REPORT, NOW_MS - 1)


def order_named(client_order_id: str, journaled_ms: int = NOW_MS) -> Order:
    return replace(ORDER, client_order_id=client_order_id, journaled_ms=journaled_ms)


def fill_of(client_order_id: str, total: str, at_ms: int = NOW_MS) -> Fill:
    return replace(
        FILL,
        fill_id=f"{client_order_id}:{total}",
        client_order_id=client_order_id,
        at_ms=at_ms,
    )


def event_named(event_id: str, at_ms: int = NOW_MS) -> Event:
    return replace(EVENT, event_id=event_id, at_ms=at_ms)


def paper_order(exchange_order_id: str, updated_ms: int) -> PaperOrder:
    report = replace(REPORT, exchange_order_id=exchange_order_id, updated_ms=updated_ms)
    return PaperOrder(report, updated_ms - 1)
