"""Currency pairs and their rules, in the shape of Gate's rows (gate-spot 4.1)."""

import hashlib
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from crypto_ai_bot.local.exchange.bars import VOLUME_DECIMALS
from crypto_ai_bot.local.exchange.numbers import plain

_PAIR = re.compile(r"(?P<base>[A-Z0-9]{1,20})_(?P<quote>USDT|USDC)")
_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "ADA": "Cardano", "LTC": "Litecoin"}
_NAMES |= {"USDT": "Tether", "USDC": "USD Coin"}
# (price decimals, amount decimals, minimum base): BTC, ETH, ADA as Gate's rows of 2026 say.
_KNOWN = {
    "BTC": (1, 6, "0.000001"),
    "ETH": (2, 4, "0.001"),
    "ADA": (4, 2, "0.01"),
    "LTC": (2, 3, "0.001"),
}
_START_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "BNB": 600.0, "SOL": 150.0, "LTC": 80.0}
_START_PRICES |= {"LINK": 15.0, "DOT": 7.0, "ADA": 0.5, "XRP": 0.6, "DOGE": 0.12}


type TradeStatus = Literal["tradable", "buyable", "sellable", "untradable"]


@dataclass(frozen=True, slots=True)
class PairRules:
    """What a pair allows: decimals of price and amount, the smallest and the largest order.

    `slippage` and the rates are ratios of the last price: how far a market order may go, and how
    far beyond it a limit order may be priced. `delisting_s` is when trading ends, 0 for no end.
    """

    id: str
    base: str
    quote: str
    price_decimals: int
    amount_decimals: int
    min_base_amount: Decimal
    max_market_base: Decimal
    min_quote_amount: Decimal = Decimal(3)
    max_quote_amount: Decimal = Decimal(5_000_000)
    max_market_quote: Decimal = Decimal(3_000_000)
    slippage: Decimal = Decimal("0.03")
    up_rate: Decimal = Decimal("0.08")
    down_rate: Decimal = Decimal("0.08")
    trade_status: TradeStatus = "tradable"
    delisting_s: int = 0
    st_tag: bool = False

    @property
    def amount_step(self) -> Decimal:
        """The smallest difference between two amounts of base."""
        return Decimal(1).scaleb(-self.amount_decimals)

    @property
    def price_step(self) -> Decimal:
        """The smallest difference between two prices."""
        return Decimal(1).scaleb(-self.price_decimals)

    @property
    def volume_unit(self) -> int:
        """One amount step in units of volume."""
        return int(10 ** (VOLUME_DECIMALS - self.amount_decimals))


def is_pair_id(text: str) -> bool:
    """Tell whether the embedded exchange can list the pair: BASE_USDT or BASE_USDC."""
    return _PAIR.fullmatch(text) is not None


def start_price_of(pair_id: str) -> float:
    """Return a realistic price to start a made-up market from; 10 … 100 for unknown bases."""
    base = pair_id.partition("_")[0]
    digest = hashlib.sha256(base.encode()).digest()
    return _START_PRICES.get(base) or 10.0 + int.from_bytes(digest[:4]) % 9000 / 100


def rules_of(pair_id: str, price: float, price_decimals: int | None = None) -> PairRules:
    """Return the rules of a pair that trades around `price`: Gate's own where known, else alike.

    Recorded prices may be finer than Gate's: then `price_decimals` says how fine, and stands.
    ValueError for a pair that is_pair_id refuses.
    """
    match = _PAIR.fullmatch(pair_id)
    if match is None:
        raise ValueError(f"not a pair: {pair_id!r}; allowed is BASE_USDT or BASE_USDC, capitals")
    magnitude = math.ceil(math.log10(price))
    amount_decimals = min(max(magnitude + 1, 0), VOLUME_DECIMALS)
    alike = (max(1, 5 - magnitude), amount_decimals, plain(Decimal(1).scaleb(-amount_decimals)))
    decimals, amount_decimals, min_base = _KNOWN.get(match["base"], alike)
    return PairRules(
        id=pair_id,
        base=match["base"],
        quote=match["quote"],
        price_decimals=decimals if price_decimals is None else price_decimals,
        amount_decimals=amount_decimals,
        min_base_amount=Decimal(min_base),
        max_market_base=Decimal(int(3_000_000 / price) + 1),
    )


def currency_pair_row(rules: PairRules) -> dict[str, object]:
    """Return the row of GET /spot/currency_pairs."""
    return {
        "id": rules.id,
        "base": rules.base,
        "base_name": _NAMES.get(rules.base, rules.base),
        "quote": rules.quote,
        "quote_name": _NAMES[rules.quote],
        "fee": "0.2",
        "min_base_amount": plain(rules.min_base_amount),
        "min_quote_amount": plain(rules.min_quote_amount),
        "max_quote_amount": plain(rules.max_quote_amount),
        "amount_precision": rules.amount_decimals,
        "precision": rules.price_decimals,
        "trade_status": rules.trade_status,
        "sell_start": 0,
        "buy_start": 0,
        "delisting_time": rules.delisting_s,
        "type": "normal",
        "trade_url": f"https://www.gate.com/trade/{rules.id}",
        "st_tag": rules.st_tag,
        "slippage": plain(rules.slippage),
        "market_order_max_stock": plain(rules.max_market_base),
        "market_order_max_money": plain(rules.max_market_quote),
        "up_rate": plain(rules.up_rate),
        "down_rate": plain(rules.down_rate),
    }


def margin_pair_row(rules: PairRules) -> dict[str, object]:
    """Return the row of GET /margin/currency_pairs, which the client merges into the spot row."""
    return {
        "id": rules.id,
        "base": rules.base,
        "quote": rules.quote,
        "leverage": 10,
        "min_base_amount": plain(rules.min_base_amount),
        "min_quote_amount": plain(rules.min_quote_amount),
        "max_quote_amount": "5000000",
        "status": 1,
    }


def currency_row(currency: str) -> dict[str, object]:
    """Return the row of GET /spot/currencies: one chain, everything enabled."""
    chain = {
        "name": currency,
        "addr": "",
        "withdraw_disabled": False,
        "withdraw_delayed": False,
        "deposit_disabled": False,
    }
    return {
        "currency": currency,
        "name": _NAMES.get(currency, currency),
        "delisted": False,
        "withdraw_disabled": False,
        "withdraw_delayed": False,
        "deposit_disabled": False,
        "trade_disabled": False,
        "chain": currency,
        "chains": [chain],
    }
