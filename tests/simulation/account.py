"""Gate's raw endpoints as the broker asks them, over the embedded exchange's engine and rows.

No HTTP, no JSON and no signature: those have tests of their own, and would take nine tenths of a
simulated day. Everything else between the use cases and the engine is the product's own broker.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from crypto_ai_bot.domain.money import total
from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.engine import Engine
from crypto_ai_bot.local.exchange.engine.orders import (
    PriceOrder,
    PriceOrderStatus,
    Refused,
    SpotOrder,
    Status,
    Trade,
)
from crypto_ai_bot.local.exchange.engine.reading import (
    Span,
    find_order,
    finished_orders,
    holdings,
    open_orders,
    trades,
)
from crypto_ai_bot.local.exchange.forms import put_of, trigger_of, wish_of
from crypto_ai_bot.local.exchange.pairs import currency_pair_row
from crypto_ai_bot.local.exchange.rows import (
    fee_row,
    holding_row,
    order_row,
    price_order_row,
    trade_row,
)
from simulation.market import DayMarket

type Question = Mapping[str, Any]


class GateRefusal(Exception):  # noqa: N818 - a refusal is an answer
    """An answer with a label."""

    def __init__(self, label: str, status: int = 400) -> None:
        super().__init__(label)
        self.label, self.status = label, status


@dataclass
class GateAccount:
    """One account, and the exchange around it. `now_ms` is the exchange's own time.

    `half_seen` holds, per order, until when it is shown as it was after its first fill.
    """

    engine: Engine
    market: DayMarket
    account: Account
    now_ms: int = 0
    half_seen: dict[int, int] = field(default_factory=dict)

    # What the broker's requests are made with.

    def publicSpotGetTime(self) -> Any:  # noqa: N802 - ccxt's name, as all of these
        return {"server_time": self.now_ms}

    def publicSpotGetTickers(self, question: Question) -> Any:  # noqa: N802
        wanted = question.get("currency_pair")
        return [self._ticker(name) for name in self.market.pairs if wanted in {None, name}]

    def publicSpotGetCandlesticks(self, question: Question) -> Any:  # noqa: N802
        pair = self.market.pairs[question["currency_pair"]]
        return pair.bars(self.now_ms, question["limit"])

    def publicSpotGetCurrencyPairsCurrencyPair(self, question: Question) -> Any:  # noqa: N802
        return currency_pair_row(self.market.pairs[question["currency_pair"]].rules)

    def privateWalletGetFee(self, _question: Question) -> Any:  # noqa: N802
        return fee_row(self.account)

    def privateSpotGetAccounts(self) -> Any:  # noqa: N802
        shown = holdings(self.account, self.engine.conditions, self.now_ms)
        return [holding_row(coin, held) for coin, held in shown]

    def privateSpotGetOrders(self, question: Question) -> Any:  # noqa: N802
        pair_id, conditions = question["currency_pair"], self.engine.conditions
        found: Iterator[SpotOrder] = iter(
            open_orders(self.account, pair_id, conditions, self.now_ms)
        )
        ended = finished_orders(
            self.account,
            pair_id,
            None,
            Span(question.get("from", 0), question.get("to", 10**12)),
            conditions,
            self.now_ms,
        )
        shown = (self._as_shown(order) for order in ended)
        if question["status"] == "finished":
            found = (order for order in shown if not order.is_open)
        elif self.half_seen:
            halves = [order for order in shown if order.is_open]
            found = iter([*found, *halves])
        return [order_row(order) for order in _page(found, question)]

    def privateSpotGetMyTrades(self, question: Question) -> Any:  # noqa: N802
        span = Span(question["from"], question["to"])
        pair_id, conditions = question["currency_pair"], self.engine.conditions
        found = trades(self.account, pair_id, "", span, conditions, self.now_ms)
        return [trade_row(trade) for trade in _page(found, question)]

    def privateSpotGetOrdersOrderId(self, question: Question) -> Any:  # noqa: N802
        pair_id, conditions = question["currency_pair"], self.engine.conditions
        found = find_order(self.account, question["order_id"], pair_id, conditions, self.now_ms)
        if isinstance(found, Refused):
            raise GateRefusal(found.label, found.status)
        return order_row(self._as_shown(found))

    def privateSpotGetPriceOrders(self, question: Question) -> Any:  # noqa: N802
        wanted_open, pair_id = question["status"] == "open", question["market"]
        found = (
            order
            for order in reversed(self.account.price_orders.values())
            if (order.status is PriceOrderStatus.OPEN) == wanted_open
            and order.put.pair_id == pair_id
        )
        return [self._price_order_row(order) for order in _page(found, question)]

    def privateSpotGetPriceOrdersOrderId(self, question: Question) -> Any:  # noqa: N802
        return self._price_order_row(self._price_order(question))

    def privateSpotDeletePriceOrdersOrderId(self, question: Question) -> Any:  # noqa: N802
        order = self._price_order(question)
        if not self.engine.cancel_price_order(self.account, order, self.now_ms):
            raise GateRefusal("ORDER_CLOSED")
        return self._price_order_row(order)

    def privateSpotDeleteOrdersOrderId(self, question: Question) -> Any:  # noqa: N802
        order = self.account.orders[int(question["order_id"])]
        refused = self.engine.cancel(self.account, order, self.now_ms)
        if refused:
            raise GateRefusal(refused.label, refused.status)
        return order_row(order)

    # What the exchange does.

    def arrive(
        self, body: Question, signed_ms: int, expires_ms: int
    ) -> SpotOrder | PriceOrder | Refused:
        """A submission that reached the exchange now; too late a one is refused."""
        late = self.now_ms > expires_ms > 0 or abs(self.now_ms - signed_ms) > 60_000
        if late:
            return Refused("REQUEST_EXPIRED", "too late")
        if "trigger" in body:
            pair_id, form = body["market"], dict(body)
            put, trigger = put_of(form, pair_id, market_allowed=False), trigger_of(form)
            return self.engine.place_price_order(self.account, put, trigger, self.now_ms)
        wish = wish_of(dict(body), self.market.pairs.__contains__, self.account)
        return self.engine.place(self.account, wish, self.now_ms)

    def named(self, text: str) -> list[SpotOrder]:
        """Every order under a name, oldest first."""
        newest = self.account.texts.get(text)
        if newest is None:
            return []
        return [order for order in self.account.orders.values() if order.wish.text == text]

    def row(self, order: SpotOrder | PriceOrder, mode: str = "FULL") -> Mapping[str, object]:
        """The order as the answer to its submission tells it."""
        if isinstance(order, PriceOrder):
            return {"id": order.id}
        return order_row(self._as_shown(order), mode)

    def fired_by(self, order_id: int) -> PriceOrder | None:
        """The stop that made an order when it fired."""
        stops = self.account.price_orders.values()
        return next((stop for stop in stops if stop.fired_order_id == order_id), None)

    def _price_order(self, question: Question) -> PriceOrder:
        try:
            return self.account.price_orders[int(question["order_id"])]
        except KeyError:
            raise GateRefusal("ORDER_NOT_FOUND", 404) from None

    def _price_order_row(self, order: PriceOrder) -> Mapping[str, object]:
        return price_order_row(order, self.account.user_id)

    def trades_of(self, order: SpotOrder) -> list[Trade]:
        return [trade for trade in self.account.trades if trade.order_id == order.id]

    def _as_shown(self, order: SpotOrder) -> SpotOrder:
        """An order whose later fills are not shown yet looks open."""
        if self.half_seen.get(order.id, 0) <= self.now_ms:
            return order
        trades = self.trades_of(order)
        if len(trades) < 2:
            return order
        first, *rest = trades
        later_base = total(one.amount_base for one in rest)
        later_quote = total(one.amount_base * one.price for one in rest)
        left = later_quote if order.wish.market_buy else later_base
        return replace(
            order,
            status=Status.OPEN,
            finish_as="open",
            left=order.left + left,
            filled_base=first.amount_base,
            filled_quote=first.amount_base * first.price,
            fee=first.fee,
            gt_fee=first.gt_fee,
            point_fee=first.point_fee,
            updated_ms=first.at_ms,
        )

    def _ticker(self, name: str) -> Mapping[str, str]:
        return self.market.pairs[name].ticker(self.now_ms, self.market.order_quote)


def _page[T](rows: Iterator[T], question: Question) -> Iterator[T]:
    limit, number = question["limit"], question["page"]
    return islice(rows, (number - 1) * limit, number * limit)
