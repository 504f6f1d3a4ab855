"""The general path, over ccxt's unified calls: ccxt's Gate stands for any exchange."""

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.ccxt_feed import CcxtFeed
from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.market import Level, TradeStatus
from fakes_feed import BTC_USDT, LTC_USDT, ManualClock
from unit.brokers.http_stub import HttpStub, answered

NOW_MS = 1_700_000_100_000
HOUR_SECONDS = NOW_MS // 3_600_000 * 3_600


def pair(base: str) -> dict[str, Any]:
    return {
        "id": f"{base}_USDT",
        "base": base,
        "quote": "USDT",
        "fee": "0.2",
        "min_base_amount": "0.001",
        "min_quote_amount": "3",
        "amount_precision": 3,
        "precision": 2,
        "trade_status": "tradable",
    }


@pytest.fixture
def feed(stub: HttpStub, client_of: Callable[..., CcxtClient], clock: ManualClock) -> CcxtFeed:
    stub.answers = {
        "/spot/currencies": answered([]),
        "/margin/currency_pairs": answered([]),
        "/spot/currency_pairs": answered([pair("LTC"), pair("BTC")]),
    }
    return CcxtFeed(client_of(), clock)


def ticker(base: str, bid: str, ask: str) -> dict[str, str]:
    names = {"currency_pair": f"{base}_USDT", "last": bid}
    return {**names, "highest_bid": bid, "lowest_ask": ask}


def test_prices_are_read_as_text_without_losing_a_digit(stub: HttpStub, feed: CcxtFeed) -> None:
    rows = [ticker("LTC", "64.02", "64.03"), ticker("BTC", "27000.123456789012", "27001")]
    stub.answers["/spot/tickers"] = answered(rows)
    quotes = feed.fetch_tickers([LTC_USDT, BTC_USDT])
    assert quotes[LTC_USDT].ask == Decimal("64.03")
    assert quotes[BTC_USDT].bid == Decimal("27000.123456789012")
    assert feed.fetch_ticker(LTC_USDT).bid == Decimal("64.02")
    assert feed.fetch_tickers([]) == {}


def test_a_crossed_market_is_absent_among_many_and_unavailable_alone(
    stub: HttpStub, feed: CcxtFeed
) -> None:
    stub.answers["/spot/tickers"] = answered([ticker("LTC", "64.04", "64.03")])
    assert feed.fetch_tickers([LTC_USDT, BTC_USDT]) == {}
    with pytest.raises(ExchangeUnavailable, match="crossed"):
        feed.fetch_ticker(LTC_USDT)


def test_candles_are_the_closed_ones(stub: HttpStub, feed: CcxtFeed) -> None:
    rows = [
        [str(HOUR_SECONDS - 3_600 * back), "1", "10", "11", "9", "9.5", "100", "true"]
        for back in range(3)
    ]
    stub.answers["/spot/candlesticks"] = answered(rows)
    candles = feed.fetch_candles(LTC_USDT, "1h", 2, NOW_MS)
    assert [candle.opened_ms // 1_000 for candle in candles] == [
        HOUR_SECONDS - 7_200,
        HOUR_SECONDS - 3_600,
    ]


def test_depth_rules_and_time_are_read(stub: HttpStub, feed: CcxtFeed) -> None:
    stub.answers["/spot/order_book"] = answered(
        {"id": 1, "current": 1, "update": 1, "asks": [["1.52", "1.151"]], "bids": [["1.17", "2"]]}
    )
    stub.answers["/spot/time"] = answered({"server_time": 1_597_026_383_085})
    assert feed.fetch_depth(LTC_USDT).asks == (Level(Decimal("1.52"), Decimal("1.151")),)
    assert feed.fetch_server_ms() == 1_597_026_383_085
    rules = feed.fetch_rules(LTC_USDT, NOW_MS)
    assert (rules.amount_step_base, rules.price_step_quote) == (Decimal("0.001"), Decimal("0.01"))
    assert (rules.amount_base_min, rules.amount_quote_min) == (Decimal("0.001"), Decimal(3))
    assert (rules.taker_fee_rate, rules.trade_status) == (Decimal("0.002"), TradeStatus.TRADABLE)


def test_an_unknown_symbol_and_an_exchange_that_is_down_are_unavailable(
    stub: HttpStub, feed: CcxtFeed
) -> None:
    stub.answers["/spot/time"] = answered(None, 502, raw=b"<html>")
    with pytest.raises(ExchangeUnavailable, match=r"gate time: .*HTTP 502"):
        feed.fetch_server_ms()
    with pytest.raises(ExchangeUnavailable, match="BadSymbol"):
        feed.fetch_depth(type(LTC_USDT)("DOGE", "USDT"))


class OneExchange:
    """A client whose exchange knows one market."""

    def __init__(self, precision_mode: int, precision: Any, **market: Any) -> None:
        rows = {"amount": precision, "price": precision}
        known = {"precision": rows, "limits": {"amount": {}, "cost": {"min": None}}, **market}
        self._exchange = SimpleNamespace(
            load_markets=lambda reload: reload,
            market=lambda _symbol: known,
            precisionMode=precision_mode,
        )

    def call(self, _what: str, ask: Any, read: Any) -> Any:
        return read(ask(self._exchange))


@pytest.mark.parametrize(("mode", "precision"), [(4, "0.001"), (4, "1e-3"), (2, 3), (2, "3")])
def test_both_ways_of_telling_a_precision_are_understood(
    mode: int, precision: Any, clock: ManualClock
) -> None:
    client: Any = OneExchange(mode, precision, active=False, taker=0.001)
    rules = CcxtFeed(client, clock).fetch_rules(LTC_USDT, NOW_MS)
    assert rules.amount_step_base == Decimal("0.001")
    assert rules.trade_status is TradeStatus.UNTRADABLE
    assert rules.taker_fee_rate == Decimal("0.001")
    assert rules.amount_quote_min == 0


def test_a_precision_in_significant_digits_is_not_guessed_at(clock: ManualClock) -> None:
    client: Any = OneExchange(3, 5)
    with pytest.raises(ValueError, match="precision mode 3"):
        CcxtFeed(client, clock).fetch_rules(LTC_USDT, NOW_MS)
