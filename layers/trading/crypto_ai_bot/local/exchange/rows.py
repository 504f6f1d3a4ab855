"""Orders, trades and holdings in the shape of Gate's rows (gate-spot 2.1 and 2.2)."""

from crypto_ai_bot.domain.money import ZERO, divide_down
from crypto_ai_bot.local.exchange.engine.accounts import Account, BookEntry, Holding
from crypto_ai_bot.local.exchange.engine.orders import (
    PriceOrder,
    PriceOrderStatus,
    SpotOrder,
    Trade,
)
from crypto_ai_bot.local.exchange.numbers import plain

type Row = dict[str, object]

_DEBIT_FEE = {"gt": 1, "points": 2, "received": 3}
_CLEARING_ONLY = frozenset(
    {
        "filled_amount",
        "fill_price",
        "fee",
        "fee_currency",
        "point_fee",
        "gt_fee",
        "gt_maker_fee",
        "gt_taker_fee",
        "gt_discount",
        "rebated_fee",
        "rebated_fee_currency",
    }
)


def order_row(order: SpotOrder, action_mode: str = "FULL", *, engine_2023: bool = False) -> Row:
    """Return an order as Gate tells it: whole, without its clearing (RESULT) or named (ACK)."""
    named: Row = {
        "id": str(order.id),
        "text": order.wish.text,
        "amend_text": order.amend_text,
    }
    if action_mode == "ACK":
        return named
    row = {**named, **_standing(order), **_clearing(order)}
    if action_mode == "RESULT":
        return {name: value for name, value in row.items() if name not in _CLEARING_ONLY}
    return _of_2023(row) if engine_2023 else row


def _standing(order: SpotOrder) -> Row:
    wish = order.wish
    slippage = {} if wish.slippage is None else {"slippage": plain(wish.slippage)}
    return {
        "create_time": str(order.created_ms // 1000),
        "update_time": str(order.updated_ms // 1000),
        "create_time_ms": order.created_ms,
        "update_time_ms": order.updated_ms,
        "status": order.status.value,
        "currency_pair": wish.pair_id,
        "type": wish.type.value,
        "account": wish.account,
        "side": wish.side.value,
        "amount": plain(order.amount),
        "price": plain(order.price),
        "biz_info": "ch:ccxt" if wish.source == "api" else wish.source,
        "time_in_force": wish.time_in_force.value,
        "iceberg": plain(wish.iceberg),
        "left": plain(order.left),
        "stp_id": 0,
        "stp_act": "-",
        "finish_as": order.finish_as,
        **slippage,
    }


def _clearing(order: SpotOrder) -> Row:
    wish, quote = order.wish, plain(order.filled_quote)
    average = divide_down(order.filled_quote, order.filled_base) if order.filled_base else ZERO
    return {
        "filled_amount": plain(order.filled_base),
        "fill_price": quote,
        "filled_total": quote,
        "avg_deal_price": plain(average),
        "fee": plain(order.fee),
        "fee_currency": order.fee_currency,
        "point_fee": plain(order.point_fee),
        "gt_fee": plain(order.gt_fee),
        "gt_maker_fee": "0",
        "gt_taker_fee": "0",
        "gt_discount": order.reduced_fee,
        "rebated_fee": plain(order.rebated_quote),
        "rebated_fee_currency": wish.pair_id.partition("_")[2],
    }


def _of_2023(row: Row) -> Row:
    """Return the row as it was early in 2023: no reason, no filled amount, times as text."""
    unknown = {"filled_amount", "finish_as", "stp_id", "stp_act", "amend_text", "biz_info"}
    texts = {name: str(row[name]) for name in ("create_time_ms", "update_time_ms")}
    return {name: value for name, value in row.items() if name not in unknown} | texts


def trade_row(trade: Trade) -> Row:
    """Return a row of GET /spot/my_trades."""
    return {
        "id": str(trade.id),
        "create_time": str(trade.at_ms // 1000),
        "create_time_ms": f"{trade.at_ms}.000000",
        "currency_pair": trade.pair_id,
        "order_id": str(trade.order_id),
        "side": trade.side.value,
        "role": "maker" if trade.maker else "taker",
        "amount": plain(trade.amount_base),
        "price": plain(trade.price),
        "fee": plain(trade.fee),
        "fee_currency": trade.fee_currency,
        "point_fee": plain(trade.point_fee),
        "gt_fee": plain(trade.gt_fee),
        "sequence_id": str(trade.id),
        "text": trade.text,
        "deal": plain(trade.amount_base * trade.price),
    }


def price_order_row(order: PriceOrder, user_id: int) -> Row:
    """Return a row of GET /spot/price_orders; `fired_order_id` a number, as Gate has it."""
    put, trigger, ended = order.put, order.trigger, order.status is not PriceOrderStatus.OPEN
    return {
        "market": put.pair_id,
        "user": user_id,
        "trigger": {
            "price": plain(trigger.price),
            "rule": trigger.rule.value,
            "expiration": trigger.expiration_s,
        },
        "put": {
            "type": put.type.value,
            "side": put.side.value,
            "price": plain(put.price),
            "amount": plain(put.amount),
            "account": "normal" if put.account == "spot" else put.account,
            "time_in_force": put.time_in_force.value,
            "text": "api",
        },
        "id": order.id,
        "ctime": order.created_ms // 1000,
        **({"ftime": order.finished_ms // 1000} if ended else {}),
        **({"fired_order_id": order.fired_order_id} if order.fired_order_id else {}),
        "status": order.status.value,
        **({"reason": order.reason} if order.reason else {}),
    }


def holding_row(currency: str, holding: Holding) -> Row:
    """Return a row of GET /spot/accounts."""
    return {
        "currency": currency,
        "available": plain(holding.available),
        "locked": plain(holding.locked),
        "update_id": holding.update_id,
    }


def book_row(entry: BookEntry) -> Row:
    """Return a row of GET /spot/account_book."""
    return {
        "id": str(entry.id),
        "time": entry.at_ms,
        "currency": entry.currency,
        "change": plain(entry.change),
        "balance": plain(entry.balance),
        "type": entry.type,
        "text": entry.text,
    }


def fee_row(account: Account, pair_id: str = "") -> Row:
    """Return what GET /spot/fee tells; with /wallet/fee it shares all but the futures' rates."""
    plan = account.fees
    in_gt = plan.fees_in == "gt"
    return {
        "user_id": account.user_id,
        "taker_fee": plain(plan.taker),
        "maker_fee": plain(plan.maker),
        "gt_discount": in_gt,
        "gt_taker_fee": plain(plan.gt_taker) if in_gt else "0",
        "gt_maker_fee": plain(plan.gt_maker) if in_gt else "0",
        "loan_fee": "0.18",
        "point_type": "1" if plan.fees_in == "points" else "0",
        **({"currency_pair": pair_id} if pair_id else {}),
        "debit_fee": _DEBIT_FEE[plan.fees_in],
    }
