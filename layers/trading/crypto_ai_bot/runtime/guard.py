"""Around every handler: the one broad `except` of the program, and how an error leaves it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from crypto_ai_bot.domain.errors import TradingError
from crypto_ai_bot.runtime.clock import wall_ms
from crypto_ai_bot.runtime.observability import Redactor, log_failure
from crypto_ai_bot.runtime.process import logger_without_settings, process

type Handler = Callable[[Any, Any], dict[str, Any]]


class RunFailed(Exception):  # noqa: N818 - says what happened, to whoever reads Lambda's answer
    """A run ended in an error that is not one of ours: a fault of the program."""


def guarded(name: str, run: Callable[[Any, Any, str], dict[str, Any]]) -> Handler:
    """`run` as a handler: whatever it raises is logged in one line and leaves without secrets."""

    def handler(event: Any, context: Any = None) -> dict[str, Any]:
        run_id = getattr(context, "aws_request_id", None) or str(uuid4())
        try:
            return run(event, context, run_id)
        except Exception as error:  # noqa: BLE001 - the one broad except: everything is reported
            raise _reported(error, name, run_id) from None

    return handler


def ahead(prepare: Callable[[], object]) -> None:
    """Does early what the first run would do; what stands against it, that run meets and tells."""
    with suppress(Exception):
        prepare()


def _reported(error: Exception, name: str, run_id: str) -> Exception:
    try:
        logger, redactor = process().logger, process().redactor
    except TradingError:  # without settings there is no logger of ours to ask for
        logger, redactor = logger_without_settings(), Redactor()
    log_failure(logger, error, job=name, correlation_id=run_id, now_ms=wall_ms())
    return _leaving(error, redactor)


def _leaving(error: Exception, redactor: Redactor) -> Exception:
    """The error as Lambda may show it: its own type and words, without secrets and without a cause.

    One of ours keeps its type, for the type says who must act.
    """
    if isinstance(error, TradingError):
        return type(error)(redactor.clean(str(error)))
    return RunFailed(redactor.clean(f"{type(error).__name__}: {error}"))
