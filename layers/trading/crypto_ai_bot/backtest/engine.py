"""The backtest: a strategy's opinions first, then what an account would have made of them."""

from collections.abc import Sequence

from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.strategies.base import Strategy


def run(markets: Sequence[Market], strategy: Strategy, terms: Terms) -> Result:
    """Trades `strategy` over all of `markets` on one account."""
    raise NotImplementedError
