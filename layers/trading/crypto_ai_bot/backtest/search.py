"""The search for parameters: optuna proposes, every core runs backtests, every try is written down.

optuna is imported here alone, when a search begins.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from typing import Any, Final

from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.market_alone import Run
from crypto_ai_bot.backtest.space import Parameters, Range, with_parameters
from crypto_ai_bot.backtest.trials import Trial, trial_of
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.strategies.base import Strategy

_STARTING: Final = 10  # tries at random before the model proposes
_MISSES_MAX: Final = 20  # for each try, until hardly any parameters are taken to go together

type Ground = tuple[Run, Sequence[Market], Strategy, Terms]


def search(
    ground: Ground,
    ranges: Sequence[Range],
    tries: int,
    seed: int,
    on_trial: Callable[[int, Trial], None],
    cores: int | None = None,
) -> list[Trial]:
    """Tries `tries` sets of parameters for the best daily Sharpe ratio; all that ran, in order.

    Sets that do not go together are not run; where hardly any do, there are fewer tries.
    `on_trial` is told of each as it ends, with its number from 1. The same seed on the same number
    of cores makes the same search. Raises BadSetting without optuna, or with nothing to search.
    """
    if not ranges:
        raise BadSetting("--search: the strategy has no number to search; give it with --range")
    optuna = _optuna()
    _, _, strategy, _ = ground
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=_STARTING, constant_liar=True
        ),
    )
    space = _space(optuna, ranges)
    cores = cores or os.process_cpu_count() or 1
    trials = list[Trial]()
    with _workers(ground, cores) as pool:
        for _ in range(tries * _MISSES_MAX):
            if len(trials) == tries:
                break
            batch = [study.ask(space) for _ in range(min(cores, tries - len(trials)))]
            running = [(asked, _begun(pool, strategy, asked.params)) for asked in batch]
            for asked, future in running:
                if future is None:
                    study.tell(asked, state=optuna.trial.TrialState.FAIL)
                    continue
                trial = future.result()
                study.tell(asked, trial.sharpe)
                trials.append(trial)
                on_trial(len(trials), trial)
    return trials


def _optuna() -> Any:
    try:
        optuna = import_module("optuna")
    except ModuleNotFoundError:
        raise BadSetting("--search: needs optuna: pip install 'crypto-ai-bot[reports]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _space(optuna: Any, ranges: Sequence[Range]) -> dict[str, Any]:
    kinds = optuna.distributions
    return {
        one.name: kinds.IntDistribution(int(one.low), int(one.high))
        if one.whole
        else kinds.FloatDistribution(one.low, one.high)
        for one in ranges
    }


def _begun(pool: Executor, strategy: Strategy, parameters: Parameters) -> Future[Trial] | None:
    """The run of these parameters on some core; None for ones that do not go together."""
    candidate = with_parameters(strategy, parameters)
    return pool.submit(_try, candidate) if candidate else None


@contextmanager
def _workers(ground: Ground, cores: int) -> Iterator[Executor]:
    """Processes that have the candles already: they are handed over once, not with each try."""
    with ProcessPoolExecutor(
        cores, mp_context=get_context("spawn"), initializer=_settle, initargs=(ground,)
    ) as pool:
        yield pool


_GROUND: list[Ground] = []  # of this worker process, set once when it begins


def _settle(ground: Ground) -> None:
    _GROUND[:] = [ground]


def _try(candidate: Strategy) -> Trial:
    run, markets, _, terms = _GROUND[0]
    return trial_of(candidate, run(markets, candidate, terms))
