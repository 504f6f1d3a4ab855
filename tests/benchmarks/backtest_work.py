"""The workload of the backtest benchmark, and the plain loop that is its floor; run as a module.

Long-only EMA(12)/EMA(26) cross, all in, fee 0.2 % on top, hard stop 5 %, trailing stop 3 %, on
synthetic minutes. As a module it runs one engine in a process of its own and prints a JSON line.
"""

import json
import math
import random
import resource
import statistics
import sys
import time
from decimal import Decimal
from typing import Any

from crypto_ai_bot.backtest.engine import run
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.domain.market import MINUTE_MS, MarketRules, Symbol, TradeStatus
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.strategies.registry import load

START = 1_000_000
FEE, HARD, TRAILING = 0.002, 5.0, 3.0
DEVIATION = 0.005  # of a minute's close; so much that stops fire
ROUNDS = 7

type Columns = tuple[list[float], list[float], list[float], list[float]]


def columns(bars: int, seed: int) -> Columns:
    """Opens, highs, lows and closes: a walk whose extremes are those of a Brownian bridge."""
    chance = random.Random(seed)  # noqa: S311 - a test market, to be the same each time
    opens, highs, lows, closes = list[float](), list[float](), list[float](), list[float]()
    close = 100.0
    for _ in range(bars):
        opened, step = close, chance.gauss(0, DEVIATION)
        close = round(opened * math.exp(step), 6)
        reach = [
            math.sqrt(step**2 - 2 * DEVIATION**2 * math.log(1 - chance.random())) for _ in "hl"
        ]
        opens.append(opened)
        highs.append(max(opened, close, round(opened * math.exp((step + reach[0]) / 2), 6)))
        lows.append(min(opened, close, round(opened * math.exp((step - reach[1]) / 2), 6)))
        closes.append(close)
    return opens, highs, lows, closes


def float_loop(candles: Columns) -> tuple[int, float]:
    """Trades and final equity: everything inline, nothing that is not needed."""
    cash, quantity, entry, peak, trades = float(START), 0.0, 0.0, 0.0, 0
    fast = slow = candles[3][0]
    up = down = holding = False
    for opened, high, low, close in zip(*candles, strict=True):
        if up and not holding:
            quantity, entry, peak = cash / (opened * (1 + FEE)), opened, opened
            cash, holding = 0.0, True
        elif down and holding:
            cash, holding, trades = quantity * opened * (1 - FEE), False, trades + 1
        if holding:
            stop = max(entry * 0.95, peak * 0.97)
            if low <= stop:
                cash = quantity * min(opened, stop) * (1 - FEE)
                holding, trades = False, trades + 1
            else:
                peak = max(peak, high)
        fast_before, slow_before = fast, slow
        fast += 2 / 13 * (close - fast)
        slow += 2 / 27 * (close - slow)
        up = fast_before <= slow_before and fast > slow
        down = fast_before >= slow_before and fast < slow
    return (trades + 1, quantity * candles[3][-1]) if holding else (trades, cash)


def market(candles: Columns) -> Market:
    """The candles under no exchange's rules but its fee."""
    opens, highs, lows, closes = candles
    nothing = Decimal(0)
    rules = MarketRules(
        symbol=Symbol("BTC", "USDT"),
        amount_step_base=nothing,
        price_step_quote=nothing,
        amount_base_min=nothing,
        amount_quote_min=nothing,
        taker_fee_rate=Decimal(repr(FEE)),
        trade_status=TradeStatus.TRADABLE,
        delisting_ms=0,
        read_ms=0,
    )
    times = [MINUTE_MS * number for number in range(len(opens))]
    volumes = [1.0] * len(opens)
    return Market(rules.symbol, MINUTE_MS, rules, times, opens, highs, lows, closes, volumes)


def terms() -> Terms:
    """All in, the fee on top, the two stops, and signals from the first bar on."""
    return Terms(
        start_quote=Decimal(START),
        amount_quote=None,
        fee_on_top=True,
        stops=StopRules(hard_pct=HARD, trailing_pct=TRAILING),
        warm_up_bars=0,
    )


def ours(bars: int, seed: int) -> dict[str, Any]:
    """The backtest beside the float loop, in turns; the ratio is the median of the pairs."""
    candles = columns(bars, seed)
    place, strategy, how = market(candles), load("ema_cross", {"atr": 0}), terms()
    ratios, seconds = [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        trades, equity = float_loop(candles)
        between = time.process_time()
        result = run([place], strategy, how)
        ended = time.process_time()
        ratios.append((between - began) / (ended - between))
        seconds.append(ended - between)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "ratio": statistics.median(ratios),
        "candles_per_second": bars / min(seconds),
        "loop_candles_per_second": bars / (min(seconds) * statistics.median(ratios)),
        "trades": [trades, len(result.trades)],
        "equity": [equity, result.final_equity],
        "peak_mb": peak_mb,
    }


def peer(bars: int, seed: int) -> dict[str, Any]:
    """backtesting.py on the same candles; its trades are whole units, so its start is large."""
    import pandas as pd  # noqa: PLC0415 - only this process pays for it
    from backtesting import Backtest, Strategy  # noqa: PLC0415 - likewise

    opens, highs, lows, closes = candles = columns(bars, seed)
    frame = pd.DataFrame(
        {"Open": opens, "High": highs, "Low": lows, "Close": closes, "Volume": 1.0},
        index=pd.date_range("2020", periods=bars, freq="min"),
    )

    class Cross(Strategy):  # type: ignore[misc]  # ships no types
        def init(self) -> None:
            self.fast, self.slow = self.I(average, closes, 12), self.I(average, closes, 26)
            self.peak = 0.0

        def next(self) -> None:
            fast, slow = self.fast, self.slow
            if not self.position and fast[-2] <= slow[-2] and fast[-1] > slow[-1]:
                self.buy()
            elif self.position and fast[-2] >= slow[-2] and fast[-1] < slow[-1]:
                self.position.close()
            for trade in self.trades:
                self.peak = max(self.peak, self.data.High[-1], trade.entry_price)
                trade.sl = max(trade.entry_price * 0.95, self.peak * 0.97)
            if not self.trades:
                self.peak = 0.0

    began = time.process_time()
    Backtest(frame, Cross, cash=START, commission=FEE, finalize_trades=True).run()
    seconds = time.process_time() - began
    began = time.process_time()
    float_loop(candles)
    return {"ratio": (time.process_time() - began) / seconds, "candles_per_second": bars / seconds}


def average(values: list[float], bars: int) -> list[float]:
    """An EMA over the whole list."""
    found, now = list[float](), values[0]
    for value in values:
        now += 2 / (bars + 1) * (value - now)
        found.append(now)
    return found


if __name__ == "__main__":
    engine, number, chosen_seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({"ours": ours, "peer": peer}[engine](number, chosen_seed)))
