"""How the paper exchange carries out one market order: Gate's checks, then the match.

Pure. The checks and their order are those of reference gate-spot 8.5.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.brokers.gate_prices import pair_id
from crypto_ai_bot.domain.market import Depth, MarketRules, Symbol, TradeStatus
from crypto_ai_bot.domain.matching import FinishAs, Match, match_buy, match_sell, price_bound
from crypto_ai_bot.domain.money import ZERO, floor_to_step, plain
from crypto_ai_bot.domain.order import Side
from crypto_ai_bot.domain.paper import PaperAccount

_TEXT: Final = re.compile(r"t-[0-9A-Za-z_.\-]{0,28}")
_SECOND_MS: Final = 1_000
_BUYABLE: Final = frozenset({TradeStatus.TRADABLE, TradeStatus.BUYABLE})


@dataclass(frozen=True, slots=True)
class Submission:
    """A market order as sent: `amount` is quote for a buy, base for a sell."""

    symbol: Symbol
    side: Side
    amount: Decimal
    client_order_id: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Gate's way of making no order."""

    status: int
    label: str
    message: str


def execute(
    submission: Submission,
    account: PaperAccount,
    depth: Depth,
    rules: MarketRules,
    now_ms: int,
    protection_pct: Decimal,
) -> dict[str, Any] | Refusal:
    """The finished order in Gate's own fields, or why there is none.

    The order's id is the account's count of orders, so it is the same however often it is tried.
    """
    levels = depth.asks if submission.side is Side.BUY else depth.bids
    best_price = levels[0].price if levels else ZERO
    refusal = next(_refusals(submission, account, rules, best_price), None)
    if refusal is not None:
        return refusal
    match = _match(
        submission, depth, rules, price_bound(submission.side, best_price, protection_pct)
    )
    return _written(submission, match, account.orders + 1, now_ms)


def _refusals(
    submission: Submission, account: PaperAccount, rules: MarketRules, best_price: Decimal
) -> Iterator[Refusal]:
    """Every reason to make no order, in the order in which Gate looks."""
    symbol, amount = submission.symbol, submission.amount
    buying = submission.side is Side.BUY
    if not _TEXT.fullmatch(submission.client_order_id):
        yield _bad(f"Invalid parameter `text` with value: {submission.client_order_id}")
    if not amount > 0:
        yield _bad(f"Invalid parameter `amount` with value: {plain(amount)}")
    if not (rules.trade_status in _BUYABLE if buying else rules.may_sell):
        yield Refusal(400, "INVALID_CURRENCY_PAIR", f"{pair_id(symbol)} is {rules.trade_status}")
    if not buying and amount != floor_to_step(amount, rules.amount_step_base):
        yield Refusal(400, "INVALID_PRECISION", f"{plain(amount)} is finer than the precision")
    value_quote = amount if buying else amount * best_price
    if (buying or best_price) and value_quote < rules.amount_quote_min:
        yield _too_small(value_quote, rules.amount_quote_min, symbol.quote)
    if not buying and amount < rules.amount_base_min:
        yield _too_small(amount, rules.amount_base_min, symbol.base)
    if account.free(symbol.quote if buying else symbol.base) < amount:
        yield Refusal(400, "BALANCE_NOT_ENOUGH", "Not enough balance")


def _bad(message: str) -> Refusal:
    return Refusal(400, "INVALID_PARAM_VALUE", message)


def _too_small(value: Decimal, minimum: Decimal, coin: str) -> Refusal:
    size, least = f"{plain(value)} {coin}", f"{plain(minimum)} {coin}"
    return _bad(f"Your order size {size} is too small. The minimum is {least}")


def _match(submission: Submission, depth: Depth, rules: MarketRules, bound: Decimal) -> Match:
    step, fee_rate = rules.amount_step_base, rules.taker_fee_rate
    if submission.side is Side.BUY:
        return match_buy(
            depth,
            submission.amount,
            amount_step_base=step,
            taker_fee_rate=fee_rate,
            price_max=bound,
        )
    return match_sell(
        depth, submission.amount, amount_step_base=step, taker_fee_rate=fee_rate, price_min=bound
    )


def _written(submission: Submission, match: Match, number: int, now_ms: int) -> dict[str, Any]:
    """The order as Gate answers with action_mode FULL."""
    symbol, totals = submission.symbol, match.totals
    buying = submission.side is Side.BUY
    seconds = str(now_ms // _SECOND_MS)
    return {
        "id": str(number),
        "text": submission.client_order_id,
        "amend_text": "-",
        "create_time": seconds,
        "update_time": seconds,
        "create_time_ms": now_ms,
        "update_time_ms": now_ms,
        "status": "closed" if match.finish_as is FinishAs.FILLED else "cancelled",
        "currency_pair": pair_id(symbol),
        "type": "market",
        "account": "spot",
        "side": str(submission.side),
        "amount": plain(submission.amount),
        "price": "0",
        "time_in_force": "ioc",
        "iceberg": "0",
        "left": plain(match.left),
        "filled_amount": plain(totals.base),
        "fill_price": plain(totals.quote),
        "filled_total": plain(totals.quote),
        "avg_deal_price": plain(totals.average_price),
        "fee": plain(totals.fee_base if buying else totals.fee_quote),
        "fee_currency": symbol.base if buying else symbol.quote,
        "point_fee": "0",
        "gt_fee": "0",
        "gt_discount": False,
        "rebated_fee": "0",
        "rebated_fee_currency": symbol.quote if buying else symbol.base,
        "finish_as": str(match.finish_as),
    }
