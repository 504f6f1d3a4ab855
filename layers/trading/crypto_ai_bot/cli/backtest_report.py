"""What a backtest command does with a run: search before it, judge it, and write its reports."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from crypto_ai_bot.backtest.honesty import NAMES, Examined, examine
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.market_alone import Run
from crypto_ai_bot.backtest.page import page
from crypto_ai_bot.backtest.report import Report
from crypto_ai_bot.backtest.search import search
from crypto_ai_bot.backtest.space import Parameters, ranges_of, with_parameters
from crypto_ai_bot.backtest.trade_file import trades_csv
from crypto_ai_bot.backtest.trials import Trial, recalled, remember, subject_of, trial_of
from crypto_ai_bot.cli.command import print_report
from crypto_ai_bot.cli.whole_file import write_whole
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.strategies.base import Strategy

_TRIALS: Final = Path(".local/trials.jsonl")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be tested: a strategy by its name and parameters, on candles, on terms."""

    name: str
    parameters: Parameters
    strategy: Strategy
    markets: Sequence[Market]
    terms: Terms


def add_report_options(parser: ArgumentParser) -> None:
    """The options of reports, checks and search; `--json` is every command's."""
    files = parser.add_argument_group("reports")
    files.add_argument("--html", type=Path, metavar="FILE", help="one page with charts and checks")
    files.add_argument("--trades", type=Path, metavar="FILE", help="the trades as CSV")
    checks = parser.add_argument_group("checks, all made unless left out")
    for name in NAMES:
        checks.add_argument(f"--no-{name}", dest="left_out", action="append_const", const=name)
    checks.add_argument("--no-checks", action="store_true", help="leave out all of them")
    checks.add_argument("--seed", type=int, default=0, help="of everything random (default 0)")
    checks.add_argument(
        "--tried", type=Path, default=_TRIALS, metavar="FILE",
        help=f"every set of parameters ever tried, which the checks count (default {_TRIALS})",
    )  # fmt: skip
    tries = parser.add_argument_group("search (pip install 'crypto-ai-bot[reports]')")
    tries.add_argument("--search", type=int, metavar="TRIES", help="look for better parameters")
    tries.add_argument("--range", action="append", default=[], metavar="NAME=LOW:HIGH")
    tries.add_argument("--cores", type=int, help="default: all")


def report_on(options: Namespace, subject: Subject, run: Run) -> int:
    """Searches if asked to, runs, judges, prints and writes; the exit code.

    Every set of parameters that was run is added to the file of those tried.
    """
    _check(subject)
    key = subject_of(subject.strategy, subject.markets)
    known = recalled(options.tried, key)
    if options.search is not None:
        found = _searched(options, subject, run)
        remember(options.tried, key, found)
        known += found
        subject = _best_of(subject, found)
    report, own = _report(options, subject, run, known)
    if options.html:
        write_whole(options.html, page(report), "--html")
    if options.trades:
        write_whole(options.trades, trades_csv(report.examined.result.trades), "--trades")
    print_report(report.as_json(), as_json=options.json, lines=report.lines())
    if own.name not in {trial.name for trial in known}:
        remember(options.tried, key, [own])
    return 0


def _check(subject: Subject) -> None:
    """What would leave nothing to report on."""
    for market in subject.markets:
        if not market.bars:
            raise BadSetting(f"{market.symbol}: no candles in the time asked for")
    if subject.terms.start_quote <= 0:
        raise BadSetting(f"the account begins with {subject.terms.start_quote}: must be above 0")
    if subject.terms.amount_quote is not None and subject.terms.amount_quote <= 0:
        raise BadSetting(f"an entry spends {subject.terms.amount_quote}: must be above 0")


def _report(
    options: Namespace, subject: Subject, run: Run, known: Sequence[Trial]
) -> tuple[Report, Trial]:
    """The report, and the run as one more trial."""
    result = run(subject.markets, subject.strategy, subject.terms)
    own = trial_of(subject.strategy, result)
    tried = {trial.name: trial for trial in [*known, own]}
    examined = Examined(
        subject.markets,
        subject.strategy,
        subject.terms,
        result,
        run,
        trials=[trial for trial in tried.values() if trial.terms == own.terms],
        tried=len(tried),
        seed=options.seed,
    )
    held = examined.held
    left_out = NAMES if options.no_checks else options.left_out or ()
    checks = examine(examined, held, left_out)
    return Report(subject.name, subject.parameters, examined, held, checks), own


def _searched(options: Namespace, subject: Subject, run: Run) -> list[Trial]:
    for name in ("search", "cores"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise BadSetting(f"--{name} {value}: must be at least 1")
    ranges = ranges_of(subject.strategy, options.range)
    progress = _Progress(options.search)
    ground = (run, subject.markets, subject.strategy, subject.terms)
    try:
        return search(ground, ranges, options.search, options.seed, progress.told, options.cores)
    finally:
        progress.ended()


def _best_of(subject: Subject, found: Sequence[Trial]) -> Subject:
    if not found:
        raise BadSetting("--search: no set of parameters within the ranges goes together")
    best = max(found, key=lambda trial: trial.sharpe)
    strategy = with_parameters(subject.strategy, best.parameters) or subject.strategy
    return replace(subject, strategy=strategy, parameters=best.parameters)


class _Progress:
    """A line on stderr that tells how far a search is and what was best; nothing into a file."""

    def __init__(self, tries: int) -> None:
        self._tries = tries
        self._best: Trial | None = None
        self._shown = sys.stderr.isatty()

    def told(self, number: int, trial: Trial) -> None:
        """One more has ended."""
        if self._best is None or trial.sharpe > self._best.sharpe:
            self._best = trial
        if self._shown:
            best = f"best so far {self._best.made_pct:+.1f} %: {self._best.parameters}"
            print(f"\r\x1b[Ktry {number} of {self._tries}, {best}", end="", file=sys.stderr)

    def ended(self) -> None:
        """Leaves the line as it is."""
        if self._shown:
            print(file=sys.stderr)
