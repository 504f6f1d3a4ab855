"""Behind the counter: engine, keys and switches. What the routes serve, and tests drive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from crypto_ai_bot.local.exchange.engine.accounts import Account
from crypto_ai_bot.local.exchange.engine.conditions import Conditions
from crypto_ai_bot.local.exchange.engine.engine import Engine
from crypto_ai_bot.local.exchange.engine.fees import FeePlan
from crypto_ai_bot.local.exchange.keys import EVERYTHING, Key, Keyring, KeyState, Permission
from crypto_ai_bot.local.exchange.limiter import Limiter
from crypto_ai_bot.local.exchange.listed_venue import ListedVenue
from crypto_ai_bot.local.exchange.market import Market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.server_conditions import ServerConditions
from crypto_ai_bot.local.exchange.wire import Call, RefusedError, Route

_SPOT: Final = "/api/v4/spot"
# Where x-gate-exptime is documented (gate-spot 1.14).
_EXPTIME_ROUTES: Final = frozenset(
    {
        ("POST", f"{_SPOT}/orders"),
        ("POST", f"{_SPOT}/batch_orders"),
        ("POST", f"{_SPOT}/cancel_batch_orders"),
        ("DELETE", f"{_SPOT}/orders"),
        ("DELETE", f"{_SPOT}/orders/{{order_id}}"),
        ("PATCH", f"{_SPOT}/orders/{{order_id}}"),
    }
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made: for an account of its own, or for that of another key (`of_key`)."""

    key: str
    secret: str = field(repr=False)
    balances: Mapping[str, Decimal]
    fees: FeePlan = field(default_factory=FeePlan)
    unified: bool = False
    permissions: Mapping[str, Permission] | None = None
    ip_whitelist: tuple[str, ...] = ()
    state: KeyState = "normal"
    of_key: str = ""


class Hall:
    """One exchange's private side. Not safe under threads: the exchange in front has the lock."""

    def __init__(self, market: Market, clock: MarketClock) -> None:
        self.market, self.clock = market, clock
        self.engine = Engine(ListedVenue(market))
        self.server = ServerConditions()
        self.keyring = Keyring(lambda: self.server, clock.speed)
        self._limiter = Limiter(self._limits_enforced, self._user_of)

    @property
    def conditions(self) -> Conditions:
        """The engine's switches; replace them as a whole."""
        return self.engine.conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self.engine.conditions = conditions

    def make_key(self, new: NewKey) -> Key:
        """Make a key, or replace the one of that name; its account gets the balances on top.

        KeyError where `of_key` names none.
        """
        now_ms = self.clock.now_ms()
        known = self.keyring.keys.get(new.of_key or new.key)
        if new.of_key and known is None:
            raise KeyError(new.of_key)
        account = known.account if known else self.engine.open_account(unified=new.unified)
        if not new.of_key:
            account.fees, account.unified = new.fees, new.unified
        for currency, amount in new.balances.items():
            self.engine.transfer(account, currency, amount, now_ms)
        key = Key(
            key=new.key,
            secret=new.secret,
            account=account,
            permissions=EVERYTHING if new.permissions is None else new.permissions,
            ip_whitelist=new.ip_whitelist,
            state=new.state,
            created_ms=now_ms,
        )
        self.keyring.keys[key.key] = key
        return key

    def account(self, call: Call) -> Account:
        """Return the account of a request that passed the checks, its time having come."""
        self.engine.advance(call.at_ms)
        return self.keyring.holder(call).account

    def check(self, route: Route, call: Call) -> None:
        """Refuse in Gate's order: who asks, whether still in time, how often (gate-spot 8.3)."""
        self.keyring.check(route, call)
        self._check_exptime(route, call)
        self._limiter.check(route, call)

    def _check_exptime(self, route: Route, call: Call) -> None:
        text = call.request.headers.get("x-gate-exptime")
        heeded = self.server.exptime_honoured and (route.method, route.path) in _EXPTIME_ROUTES
        if text is None or not heeded:
            return
        if not (text.isascii() and text.isdigit() and len(text) < 20):  # noqa: PLR2004 - of ms
            raise RefusedError("INVALID_PARAM_VALUE", "Invalid header x-gate-exptime")
        if int(text) < call.server_ms:
            message = "request expired: x-gate-exptime has passed"
            raise RefusedError(self.server.exptime_label, message, self.server.exptime_status)

    def _limits_enforced(self) -> bool:
        told = self.server.rate_limits
        return self.clock.speed > 0 if told is None else told

    def _user_of(self, call: Call) -> str:
        return str(self.keyring.holder(call).account.user_id)
