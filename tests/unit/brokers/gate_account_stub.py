"""A scripted Gate account: listings, balances and orders that a test puts in, over HttpStub."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypedDict

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.domain.order import Order, OrderRequest, OrderState, Purpose, Side
from fakes_feed import LTC_USDT
from unit.brokers.http_stub import Behaviour, HttpStub, Received, answered

SERVER_MS = 1_693_826_050_000
OURS = "t-a-abc"

type ClientOf = Callable[..., CcxtClient]


class Keys(TypedDict):
    """Which account it is, as CcxtClient takes it."""

    api_key: str
    api_secret: str


KEYS: Keys = {
    "api_key": "key-of-32-letters-and-digits-0123",
    "api_secret": "secret-of-32-letters-0123456789",
}
ORDER = Order(
    client_order_id=OURS,
    request=OrderRequest(
        LTC_USDT, Side.BUY, Purpose.ENTRY, 0, Decimal(5), Decimal("64.03"), "test"
    ),
    attempt=1,
    state=OrderState.PENDING,
    journaled_ms=SERVER_MS,
    expires_ms=SERVER_MS + 3_000,
    lease_token=1,
    correlation_id="c",
)


def order_row(order_id: int, text: str = OURS, **changes: Any) -> dict[str, Any]:
    """A market buy of 5 USDT as Gate answers it, with the numbers of the real one (2.1)."""
    return {
        "id": str(order_id),
        "text": text,
        "create_time_ms": SERVER_MS,
        "update_time_ms": SERVER_MS + 324,
        "status": "closed",
        "currency_pair": "LTC_USDT",
        "type": "market",
        "account": "spot",
        "side": "buy",
        "amount": "5",
        "left": "0.00566",
        "filled_amount": "0.078",
        "filled_total": "4.99434",
        "avg_deal_price": "64.03",
        "fee": "0.000156",
        "fee_currency": "LTC",
        "point_fee": "0",
        "gt_fee": "0",
        "rebated_fee": "0",
        "rebated_fee_currency": "USDT",
        "finish_as": "filled",
        **changes,
    }


def trade_row(order_id: int, text: str | None = OURS) -> dict[str, Any]:
    row = {"id": "1", "order_id": str(order_id), "create_time_ms": f"{SERVER_MS}.5"}
    return row if text is None else {**row, "text": text}


@dataclass
class GateAccount:
    """Answers like Gate; `broken` maps "open", "finished", "trades" or a path to another answer."""

    stub: HttpStub
    open: list[dict[str, Any]] = field(default_factory=list)
    finished: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    balances: list[dict[str, Any]] = field(default_factory=list)
    broken: dict[str, bytes | Behaviour] = field(default_factory=dict)
    submission: bytes | Behaviour | None = None
    server_ms: int = SERVER_MS

    def __post_init__(self) -> None:
        self.stub.responder = self.answer

    def answer(self, request: Received) -> bytes | Behaviour | None:
        path = request.path.partition("?")[0].removeprefix("/api/v4")
        question = request.question
        listing = "trades" if path == "/spot/my_trades" else question.get("status", path)
        if listing in self.broken:
            return self.broken[listing]
        if request.method == "POST":
            return self.submission
        if path.startswith("/spot/orders/"):
            row = self.by_id.get(path.removeprefix("/spot/orders/"))
            return answered(row) if row else refused(404, "ORDER_NOT_FOUND")
        listings = {"open": self.open, "finished": self.finished, "trades": self.trades}
        whole = {"/spot/time": {"server_time": self.server_ms}, "/spot/accounts": self.balances}
        if listing in listings:
            return answered(_page(listings[listing], question))
        return answered(whole[path]) if path in whole else None


def refused(status: int, label: str, message: str = "why", *, headers: str = "") -> bytes:
    return answered({"label": label, "message": message}, status, headers=headers)


def _page(rows: list[dict[str, Any]], question: dict[str, str]) -> list[dict[str, Any]]:
    limit, number = int(question["limit"]), int(question["page"])
    return rows[limit * (number - 1) : limit * number]
