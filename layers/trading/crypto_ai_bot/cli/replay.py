"""`cab-replay`: a period through the real use cases, held against the backtest order by order.

With `--recorded`, the ticks and prices of a recorded run instead, held against what it decided.
"""

from argparse import Namespace
from pathlib import Path
from time import perf_counter
from typing import Any

from crypto_ai_bot.backtest.engine import run as run_backtest
from crypto_ai_bot.backtest.parity import parity_of
from crypto_ai_bot.backtest.recorded import recall
from crypto_ai_bot.backtest.replay import replay
from crypto_ai_bot.cli.backtest import add_candle_options, subject_of_options
from crypto_ai_bot.cli.backtest_report import Subject
from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, run
from crypto_ai_bot.domain.market import DAY_MS


def main() -> None:
    """Entry point."""
    run(_replay)


def _replay() -> int:
    parser = parser_of("A period through the real use cases, held against the backtest.")
    add_candle_options(parser)
    parser.add_argument(
        "--recorded", type=Path, metavar="FILE", help="outcomes of a run, one a line as JSON"
    )
    options = parser.parse_args()
    subject = subject_of_options(options)
    if options.recorded:
        return _recall(options, subject)
    began = perf_counter()
    replayed = replay(subject.markets, subject.strategy, subject.terms)
    seconds = perf_counter() - began
    parity = parity_of(run_backtest(subject.markets, subject.strategy, subject.terms), replayed)
    times_ms = replayed.equity.times_ms
    days = (times_ms[-1] - times_ms[0]) / DAY_MS
    report = {
        "strategy": subject.name,
        "symbols": [str(market.symbol) for market in subject.markets],
        "days": round(days, 2),
        "days_per_second": round(days / seconds, 2),
        "final_equity": replayed.final_equity,
        **parity.as_json(),
    }
    lines = [
        f"{subject.name} on {', '.join(report['symbols'])}",
        f"replayed   {days:,.1f} days in {seconds:.1f} s, {days / seconds:,.1f} days a second",
        f"equity     {replayed.final_equity:,.2f} at the end",
        *parity.lines(),
    ]
    print_report(report, as_json=options.json, lines=lines)
    return 0 if parity.same else FAILED


def _recall(options: Namespace, subject: Subject) -> int:
    found = recall(options.recorded, subject.markets, subject.strategy, subject.terms)
    report: dict[str, Any] = {
        "same": not found.differences,
        "runs": found.runs,
        "decisions": found.decisions,
        "differences": list(found.differences),
    }
    lines = [
        f"{found.runs} runs, {found.decisions} decisions, {len(found.differences)} differ",
        *found.differences,
    ]
    print_report(report, as_json=options.json, lines=lines)
    return FAILED if found.differences or not found.runs else 0


if __name__ == "__main__":
    main()
