"""The whole exchange, put together: what the server serves and a test drives in process."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from crypto_ai_bot.local.exchange.account_routes import account_routes
from crypto_ai_bot.local.exchange.control import control_routes
from crypto_ai_bot.local.exchange.exchange import Exchange
from crypto_ai_bot.local.exchange.faults import Fault
from crypto_ai_bot.local.exchange.hall import Hall, NewKey
from crypto_ai_bot.local.exchange.keys import Key
from crypto_ai_bot.local.exchange.line import Line
from crypto_ai_bot.local.exchange.market import Market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.operator_routes import operator_routes
from crypto_ai_bot.local.exchange.order_routes import order_routes
from crypto_ai_bot.local.exchange.price_order_routes import price_order_routes
from crypto_ai_bot.local.exchange.public import public_routes


class Grounds:
    """A market with accounts behind a line.

    `hall` has engine, keys and switches, `line` faults and the request log.
    """

    def __init__(self, market: Market, clock: MarketClock) -> None:
        self.hall = Hall(market, clock)
        self.exchange = Exchange(clock, (), (self.hall.check,))
        self.line = Line(self.exchange, clock, lambda: self.hall.server)
        self.exchange.add(
            *public_routes(market),
            *order_routes(self.hall),
            *price_order_routes(self.hall),
            *account_routes(self.hall),
            *control_routes(market, clock),
            *operator_routes(self.hall, self.line),
        )

    def make_key(self, key: str, secret: str, **balances: str) -> Key:
        """Make a key with balances of its own, in the simplest way: `USDT="10000"`."""
        held = {name: Decimal(text) for name, text in balances.items()}
        return self.hall.make_key(NewKey(key, secret, held))

    def strike(self, kind: Any, **rule: Any) -> None:
        """Add a fault rule."""
        self.line.faults.add(Fault(kind=kind, **rule))

    def switch(self, **changes: Any) -> None:
        """Change conditions, of the engine or of the server, by their names."""
        hall, engine = self.hall, {}
        for name, value in changes.items():
            if hasattr(hall.server, name):
                hall.server = replace(hall.server, **{name: value})
            else:
                engine[name] = value
        hall.conditions = replace(hall.conditions, **engine)
