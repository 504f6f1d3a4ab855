"""What stands between Lambda and a use case: settings, the tick, the outcome, and every error.

A handler translates.
"""
# ruff: noqa: PLC0415 - a cold start reads its own use case, and no others

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from crypto_ai_bot.domain.errors import ExchangeRefusesKey
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.runtime.clock import wall_ms
from crypto_ai_bot.runtime.guard import Handler, ahead, guarded
from crypto_ai_bot.runtime.observability import log_outcome
from crypto_ai_bot.runtime.process import process
from crypto_ai_bot.runtime.tick import read_tick
from crypto_ai_bot.runtime.wiring import Workplace, open_workplace
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.outcome import RunOutcome

type UseCase = Callable[[Desk, Tick], RunOutcome]

# How long an invocation without a deadline of its own (a laptop, a test) may run.
_UNTOLD_REMAINING_MS: Final = 55_000


def job_handler(name: str) -> Handler:
    """The handler of one job: an event in, the run's outcome out.

    Raises BadEvent, BadSetting or another of our errors with one line for each thing that is
    wrong; RunFailed for a fault of the program. Either way one line stands in the log.
    """
    job = Job(name)
    use_case = _use_case(job)

    def run(event: Any, context: Any, run_id: str) -> dict[str, Any]:
        place = _workplace()
        desk = place.desk(_remaining_ms(context))
        embedded = place.settings.embedded_cloud
        tick = read_tick(
            event,
            job,
            run_id=run_id,
            configured=place.policy.symbols,
            minute_if_unsubstituted_ms=desk.clock.now_ms() if embedded else None,
        )
        try:
            outcome = use_case(desk, tick)
        except ExchangeRefusesKey:
            _workplace.cache_clear()  # rotated, perhaps: the next run reads the key anew
            raise
        log_outcome(process().logger, outcome, wall_ms())
        return outcome.as_json()

    return guarded(name, run)


def make_ready() -> None:
    """Opens the workplace, with its clients, while Lambda still starts the process.

    It gives a whole processor for that, and a third of one (at 512 MB) to the invocation.
    """
    ahead(lambda: _workplace().desk(lambda: 0))


def _use_case(job: Job) -> UseCase:
    match job:
        case Job.EVALUATE:
            from crypto_ai_bot.usecases.evaluate import evaluate

            return evaluate
        case Job.EXITS:
            from crypto_ai_bot.usecases.exits import exits

            return exits
        case Job.RECONCILE:
            from crypto_ai_bot.usecases.reconcile import reconcile

            return reconcile
        case Job.WATCHDOG:
            from crypto_ai_bot.usecases.watchdog import watchdog

            return watchdog


@cache
def _workplace() -> Workplace:
    return open_workplace(process().settings, process().redactor.hide)


def _remaining_ms(context: Any) -> Callable[[], int]:
    told: Callable[[], int] | None = getattr(context, "get_remaining_time_in_millis", None)
    if told:
        return told
    ends_ms = wall_ms() + _UNTOLD_REMAINING_MS
    return lambda: ends_ms - wall_ms()
