"""What stands between Lambda and a use case: settings, the tick, the outcome, and every error.

A handler translates. Here is the one broad `except` of the program.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.outcome import RunOutcome
from crypto_ai_bot.usecases.reconcile import reconcile
from crypto_ai_bot.usecases.watchdog import watchdog

type Handler = Callable[[Any, Any], dict[str, Any]]

_USE_CASES: Final[Mapping[Job, Callable[[Desk, Tick], RunOutcome]]] = {
    Job.EVALUATE: evaluate,
    Job.EXITS: exits,
    Job.RECONCILE: reconcile,
    Job.WATCHDOG: watchdog,
}
