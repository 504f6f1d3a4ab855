"""An embedded exchange in process, and a client that signs as ccxt does; no HTTP."""

import json
from typing import Any

from crypto_ai_bot.local.exchange.bars import Bar, bar_of
from crypto_ai_bot.local.exchange.depth import Depth, Level
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.keys import signature
from crypto_ai_bot.local.exchange.market import Listing, Market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.pairs import rules_of
from crypto_ai_bot.local.exchange.replay import ReplaySource
from crypto_ai_bot.local.exchange.timeline import Timeline
from crypto_ai_bot.local.exchange.wire import Answer, Request
from exchange_venue import D

MINUTE_MS = 60_000
NOW_MS = 1_700_000_012_345
FIRST_MS = NOW_MS // MINUTE_MS * MINUTE_MS - 60 * MINUTE_MS


def flat(price: float, open_ms: int, decimals: int) -> Bar:
    units = round(price * 10**decimals)
    return bar_of(open_ms, (units, units, units, units), 10**9)


def listing(
    pair_id: str, price: float, later: tuple[float, ...] = (), book: Depth | None = None
) -> Listing:
    """A pair that stands at `price` until the minute after NOW, then a minute at each of `later`.

    With a `book` of its own that is the depth, whatever the price.
    """
    rules = rules_of(pair_id, price)
    prices = [price] * 61 + list(later)
    bars = [flat(p, FIRST_MS + n * MINUTE_MS, rules.price_decimals) for n, p in enumerate(prices)]
    timeline = Timeline(ReplaySource(bars, MINUTE_MS), rules.volume_unit)
    return Listing(rules, timeline, (lambda _: book) if book else None)


def ltc_book() -> Depth:
    """The depth in which the real order of 2023 was filled."""
    asks = [Level(D("64.03"), D("1.151")), Level(D("64.05"), D(40))]
    return Depth(NOW_MS, asks, [Level(D("64.01"), D("2.5")), Level(D("64.00"), D(40))])


def market(*later: float) -> Market:
    """LTC at 64.02 in the depth of the real order, and BTC at 60000."""
    ltc = listing("LTC_USDT", 64.02, later, None if later else ltc_book())
    return Market({"LTC_USDT": ltc, "BTC_USDT": listing("BTC_USDT", 60_000)})


class Client:
    """Asks in process, signed with a key; time is held."""

    def __init__(self, *later: float, speed: float = 0) -> None:
        self.clock = MarketClock(NOW_MS, speed)
        self.grounds = Grounds(market(*later), self.clock)
        self.grounds.make_key("key", "secret", USDT="1000", LTC="10")
        self.key, self.secret = "key", "secret"

    @property
    def account(self) -> Any:
        return self.grounds.hall.keyring.keys[self.key].account

    def request(self, method: str, target: str, body: Any = None, **headers: str) -> Request:
        path, _, query = target.partition("?")
        if not path.startswith("/_market"):
            path = f"/api/v4{path}"
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        timestamp = headers.pop("timestamp", str(self.clock.now_ms() // 1000))
        bare = Request(method, path, query, {}, raw)
        signed = {
            "key": self.key,
            "timestamp": timestamp,
            "sign": signature(self.secret, bare, timestamp),
            **headers,
        }
        return Request(method, path, query, {k: v for k, v in signed.items() if v}, raw)

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        return self.grounds.line.answer(self.request(method, target, body, **headers))

    def get(self, target: str) -> Any:
        answer = self.ask("GET", target)
        assert answer.status == 200, answer.payload
        return json.loads(answer.body()[0])

    def post(self, target: str, body: Any, status: int = 200) -> Any:
        answer = self.ask("POST", target, body)
        assert answer.status == status, answer.payload
        return json.loads(answer.body()[0])

    def refusal(
        self, method: str, target: str, body: Any = None, **headers: str
    ) -> tuple[int, str]:
        answer = self.ask(method, target, body, **headers)
        assert isinstance(answer.payload, dict)
        assert set(answer.payload) == {"label", "message"}, answer.payload
        return answer.status.value, answer.payload["label"]

    def buy(self, quote: str = "5", text: str = "") -> Any:
        form = {"currency_pair": "LTC_USDT", "type": "market", "side": "buy", "amount": quote}
        return self.post("/spot/orders", {**form, "text": text}, 201)

    def limit(self, side: str, amount: str, price: str, **more: str) -> Any:
        form = {"currency_pair": "LTC_USDT", "side": side, "amount": amount, "price": price, **more}
        return self.post("/spot/orders", form, 201)
