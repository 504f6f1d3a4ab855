"""What a backtest costs: candles a second beside a plain float loop and a peer, and its memory."""

import json
import math
import subprocess
import sys
from typing import Any

BARS, PEER_BARS, SEED = 1_000_000, 50_000, 20_261_122
MEMORY_MB_MAX = 400
EQUITY_ERROR_MAX = 1e-9


def backtest_figures(variables: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Lines of bench.json, from processes of their own.

    Raises AssertionError unless backtest and loop made the same trades and the same money.
    """
    ours, peer = _run("ours", BARS, variables), _run("peer", PEER_BARS, variables)
    trades, equity = ours["trades"], ours["equity"]
    assert trades[0] == trades[1], f"{trades[1]} trades, the float loop made {trades[0]}"
    assert math.isclose(*equity, rel_tol=EQUITY_ERROR_MAX), f"equity {equity[1]}, not {equity[0]}"
    loop, speed = ours["loop_candles_per_second"], ours["candles_per_second"]
    against_peer = ours["ratio"] / peer["ratio"]
    return {
        "backtest_vs_float_loop": {
            "value": round(speed / 1e6, 3),
            "unit": "million candles a second",
            "reference": f"a plain float loop on the same {BARS:,} candles: {loop / 1e6:.3f}",
            "ratio": round(ours["ratio"], 3),
        },
        "backtest_vs_backtesting_py": {
            "value": round(speed / 1e6, 3),
            "unit": "million candles a second",
            "reference": f"backtesting.py, by the loop beside each: {speed / against_peer:,.0f}",
            "ratio": round(against_peer, 1),
        },
        "backtest_peak_mb": {
            "value": round(ours["peak_mb"], 1),
            "unit": f"MB with {BARS:,} candles",
            "reference": f"{MEMORY_MB_MAX} MB allowed: {MEMORY_MB_MAX}",
            "ratio": round(ours["peak_mb"] / MEMORY_MB_MAX, 3),
        },
    }


def _run(engine: str, bars: int, variables: dict[str, str]) -> dict[str, Any]:
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.backtest_work", engine, str(bars), str(SEED)],
        env=variables,
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, Any] = json.loads(shown.stdout.splitlines()[-1])
    return figures
