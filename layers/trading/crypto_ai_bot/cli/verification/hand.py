"""Makes the smallest orders that a pair allows, remembers them, and leaves nothing behind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.brokers import gate_account, gate_prices
from crypto_ai_bot.cli.verification.findings import Left, Unanswered
from crypto_ai_bot.cli.verification.recorder import Recorder, Told
from crypto_ai_bot.domain.errors import BadSetting, ExchangeRefusesKey, ExchangeUnavailable
from crypto_ai_bot.domain.market import Balance, MarketRules, Quote, Symbol
from crypto_ai_bot.domain.money import ZERO, ceil_to_step, floor_to_step, plain

# No deployment's name has a dot, so theirs and ours are never taken for each other.
TEXT_PREFIX: Final = "t-verify."
MARGIN: Final = Decimal("1.15")  # above the minimum, so that what is bought can be sold again
AWAY: Final = Decimal("0.9")  # of the bid: an order there rests, and is cheap to keep waiting
_ORDERS_AT_ONCE: Final = 4
_APART_MS: Final = 2_000  # price orders of one rule within 1.5 s are refused as repeated
_LOOK_MS: Final = 500
_TRIES: Final = 3
_GONE: Final = frozenset({"ORDER_CLOSED", "ORDER_CANCELLED", "ORDER_NOT_FOUND"})
_ENDED: Final = frozenset({"closed", "cancelled"})
_RANGE_MS: Final = 5_000  # an order's end is listed by the second, and clocks differ


@dataclass(slots=True)
class Hand:
    """One account and one pair. Every order carries a text of `TEXT_PREFIX`, price orders none.

    `wait_ms` is how long a point may wait for the market or a listing.
    """

    recorder: Recorder
    symbol: Symbol
    unified: bool
    wait_ms: int
    rules: MarketRules
    base_before: Decimal = ZERO
    _made: int = 0
    _resting: dict[str, str] = field(default_factory=dict)  # pairs by order id
    _asked: list[tuple[str, ...]] = field(default_factory=list)  # the numbers of price orders
    _last_price_order_ms: int = 0

    @property
    def pair(self) -> str:
        """Gate's name of the pair."""
        return gate_prices.pair_id(self.symbol)

    @property
    def account(self) -> str:
        """Gate's name of the account that orders are made in."""
        return "unified" if self.unified else "spot"

    def balance(self) -> Balance:
        """What is free of the pair's two coins."""
        if self.unified:
            told = self.recorder.ask("GET", "accounts", group="unified")
            return told.read(lambda body: gate_account.read_unified_balance(body, self.symbol))
        told = self.recorder.ask("GET", "accounts")
        return told.read(lambda body: gate_account.read_balance(body, self.symbol))

    def quote(self) -> Quote:
        """Best bid and ask of the pair."""
        asked = {"currency_pair": self.pair}
        told = self.recorder.ask("GET", "tickers", asked, signed=False)
        quotes = told.read(lambda rows: gate_prices.read_tickers(rows, (self.symbol,), 0))
        if self.symbol not in quotes:
            raise ExchangeUnavailable(f"{self.symbol} has no bid and ask now")
        return quotes[self.symbol]

    def text(self) -> str:
        """A name that no order had before: of this moment, and counted."""
        self._made += 1
        return f"{TEXT_PREFIX}{self.recorder.clock.now_ms():x}.{self._made}"

    def away(self) -> tuple[str, str]:
        """Price and amount of the smallest buy that rests."""
        price = floor_to_step(self.quote().bid * AWAY, self.rules.price_step_quote)
        least = max(self.rules.amount_quote_min * MARGIN / price, self.rules.amount_base_min)
        return plain(price), plain(ceil_to_step(least, self.rules.amount_step_base))

    def place(self, *, expires_ms: int = 0, **changes: Any) -> Told:
        """The smallest buy that rests, unless `changes` say otherwise; never taken if it matches.

        A price in `changes` spares the look at the market.
        """
        price, amount = ("", "") if {"price", "amount"} <= changes.keys() else self.away()
        order = {
            "currency_pair": self.pair,
            "type": "limit",
            "account": self.account,
            "side": "buy",
            "amount": amount,
            "price": price,
            "time_in_force": "poc",
            "text": self.text(),
            **changes,
        }
        told = self.recorder.ask("POST", "orders", order, expires_ms=expires_ms)
        if told.done and told.identity:
            self._resting[told.identity] = order["currency_pair"]
        return told

    def rest(self, **changes: Any) -> str:
        """The id of a resting order; Unanswered when Gate does not take it."""
        told = self.place(**changes)
        if not (told.done and told.identity):
            raise Unanswered(f"the smallest resting order was not taken: {told}")
        return told.identity

    def buy(self) -> Told:
        """The smallest market buy that can be sold again."""
        least = max(
            self.rules.amount_quote_min * MARGIN, self.rules.amount_base_min * self.quote().ask * 2
        )
        amount = plain(ceil_to_step(least, self.rules.price_step_quote))
        return self._at_market("buy", amount)

    def place_when(self, rule: str, trigger: Decimal, price: str, amount: str, **put: Any) -> Told:
        """A price order: `amount` is bought at `price` once the last price reaches `trigger`."""
        clock = self.recorder.clock
        clock.wait_until(self._last_price_order_ms + _APART_MS)
        self._last_price_order_ms = clock.now_ms()
        order = {
            "market": self.pair,
            "trigger": {"price": plain(trigger), "rule": rule, "expiration": 86_400},
            "put": {
                "type": "limit",
                "side": "buy",
                "price": price,
                "amount": amount,
                "account": "unified" if self.unified else "normal",
                "time_in_force": "gtc",
                **put,
            },
        }
        self._asked.append(_numbers_of(order))
        return self.recorder.ask("POST", "price_orders", order)

    def order(self, identity: str) -> Told:
        """An order by Gate's id, or by its text."""
        return self.recorder.ask("GET", f"orders/{identity}", self._of_pair())

    def cancel(self, identity: str, pair: str = "") -> Told:
        """Cancels an order."""
        asked = {**self._of_pair(), "currency_pair": pair or self.pair}
        told = self.recorder.ask("DELETE", f"orders/{identity}", asked)
        gone = told.done or told.label in _GONE
        if gone or self.order(identity).field("status") in _ENDED:
            self._resting.pop(identity, None)
        return told

    def price_order(self, identity: str) -> Told:
        """A price order by its id."""
        return self.recorder.ask("GET", f"price_orders/{identity}")

    def finished(self, since_ms: int) -> Told:
        """The pair's orders that ended since then, newest first."""
        span = {"from": (since_ms - _RANGE_MS) // 1_000, "status": "finished", "limit": 100}
        return self.recorder.ask("GET", "orders", {**self._of_pair(), **span})

    def trades(self, since_ms: int) -> Told:
        """The account's trades of the pair since then, newest first."""
        span = {"currency_pair": self.pair, "from": (since_ms - _RANGE_MS) // 1_000, "limit": 100}
        return self.recorder.ask("GET", "my_trades", span)

    def until[T](self, look: Callable[[], T], within_ms: int = 0) -> T:
        """`look()` again and again until it finds something, or the time is over: its last word."""
        clock = self.recorder.clock
        end_ms = clock.now_ms() + (within_ms or self.wait_ms)
        while not (found := look()) and clock.now_ms() < end_ms:
            clock.wait_until(clock.now_ms() + _LOOK_MS)
        return found

    def begin(self) -> None:
        """Looks whether the account may be worked on; what an earlier run left is cancelled.

        Raises BadSetting when something of somebody else's could be disturbed, or money lacks.
        """
        self.tidy()
        for row in self._open_orders():
            if row["currency_pair"] == self.pair:
                raise BadSetting(f"order {row['id']} is open on {self.symbol}: cancel it first")
        for row in self._price_orders("open"):
            raise BadSetting(f"price order {row['id']} is open on {self.symbol}: cancel it first")
        balance, ask = self.balance(), self.quote().ask
        self.base_before = balance.free_base
        one = max(self.rules.amount_quote_min * MARGIN, self.rules.amount_base_min * ask * 2)
        needed = ceil_to_step(one * _ORDERS_AT_ONCE, self.rules.price_step_quote)
        if balance.free_quote < needed:
            quote = self.symbol.quote
            raise BadSetting(
                f"{plain(balance.free_quote)} {quote} are free and {plain(needed)} are needed for "
                f"the smallest orders of {self.symbol}: deposit, or choose another --symbol"
            )

    def clean_up(self) -> Left:
        """Cancels what is open and sells what was bought; what is left.

        Tried several times: what cannot be looked at is told as such.
        """
        why = ""
        for _ in range(_TRIES):
            try:
                return self._cleaned_up()
            except (ExchangeUnavailable, ExchangeRefusesKey) as error:
                why = str(error)
        lost = f"{self.symbol} could not be looked at, orders may be open or base held: {why}"
        return Left((lost,))

    def tidy(self) -> None:
        """Cancels every order that was made here, and what a price order made.

        Also those that no answer told of: orders by their text, price orders by their numbers.
        """
        for row in self._own_price_orders("open"):
            self.recorder.ask("DELETE", f"price_orders/{row['id']}")
        for row in self._own_price_orders("finished"):  # a cancel may lose against the trigger
            if fired := str(row.get("fired_order_id") or ""):
                self._resting.setdefault(fired, self.pair)
        self._resting |= {str(row["id"]): str(row["currency_pair"]) for row in self._own_orders()}
        for identity, pair in list(self._resting.items()):
            self.cancel(identity, pair)

    def _cleaned_up(self) -> Left:
        self.tidy()
        left = [f"order {identity} on {pair}" for identity, pair in self._resting.items()]
        left += [f"price order {row['id']}" for row in self._own_price_orders("open")]
        return Left(tuple(left), self._sold_back())

    def _sold_back(self) -> str:
        bought, bid = self.balance().free_base - self.base_before, self.quote().bid
        amount = self.rules.sellable_base(bought, bid) if bought > 0 else ZERO
        if amount:
            self._at_market("sell", plain(amount))
            bought = self.balance().free_base - self.base_before
        return f"{plain(bought)} {self.symbol.base}" if bought > 0 else ""

    def _at_market(self, side: str, amount: str) -> Told:
        order = {
            "currency_pair": self.pair,
            "type": "market",
            "account": self.account,
            "side": side,
            "amount": amount,
            "time_in_force": "ioc",
            "text": self.text(),
        }
        return self.recorder.ask("POST", "orders", order)

    def _open_orders(self) -> list[dict[str, Any]]:
        told = self.recorder.ask("GET", "open_orders", {"account": self.account, "limit": 100})
        return [row for group in told.rows for row in group["orders"]]

    def _own_orders(self) -> list[dict[str, Any]]:
        """What this command made and is open, in whatever run."""
        return [row for row in self._open_orders() if str(row["text"]).startswith(TEXT_PREFIX)]

    def _price_orders(self, status: str) -> list[dict[str, Any]]:
        asked = {"status": status, "market": self.pair, "limit": 100}
        return self.recorder.ask("GET", "price_orders", asked).rows

    def _own_price_orders(self, status: str) -> list[dict[str, Any]]:
        """They have no name (gate-spot 1.10): ours have the numbers that were asked for."""
        if not self._asked:
            return []
        return [row for row in self._price_orders(status) if _numbers_of(row) in self._asked]

    def _of_pair(self) -> dict[str, Any]:
        return {"account": self.account, "currency_pair": self.pair}


def _numbers_of(order: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells one price order from another."""
    trigger, put = order["trigger"], order["put"]
    numbers = (trigger["price"], put["price"], put["amount"])
    return (str(trigger["rule"]), *(plain(Decimal(str(one))) for one in numbers))


def hand_of(recorder: Recorder, symbol: Symbol, *, unified: bool, wait_ms: int) -> Hand:
    """A hand on `symbol`, its rules read; raises ExchangeUnavailable without an answer."""
    pair = gate_prices.pair_id(symbol)
    told = recorder.ask("GET", f"currency_pairs/{pair}", signed=False)
    if told.label == "INVALID_CURRENCY_PAIR":
        raise BadSetting(f"--symbol: {symbol} is not traded there")
    now_ms = recorder.clock.now_ms()
    rules = told.read(lambda body: gate_prices.read_rules(body, symbol, ZERO, now_ms))
    if not (rules.may_buy and rules.may_sell):
        raise BadSetting(f"--symbol: {symbol} is {rules.trade_status}; choose one that is traded")
    return Hand(recorder, symbol, unified, wait_ms, rules)
