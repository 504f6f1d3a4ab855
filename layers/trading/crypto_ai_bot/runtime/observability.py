"""What a run leaves behind: one JSON line with its outcome and its metrics, free of secrets.

The metrics stand in the same line (CloudWatch's embedded metric format), so nothing is sent and no
client is imported. There are ten, with the deployment as the only dimension: that stays within the
always-free tier, and a symbol as a dimension would not (reference serverless 0.11). What is only
looked at (decisions, blocks by reason, orders by outcome) the dashboard reads off the outcome.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Final

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from crypto_ai_bot.runtime.secrets import Secret
from crypto_ai_bot.usecases.outcome import RunOutcome, SymbolOutcome

NAMESPACE: Final = "CryptoAiBot"

# Of what the symbols of a run came to. A count of nothing is left out of the line.
_COUNTS: Final[Mapping[str, Callable[[SymbolOutcome], bool]]] = {
    "Drift": lambda one: any(reason.startswith("drift:") for reason in one.reasons),
}
# Of what a run found, mostly the watchdog each minute; a zero is told, for it ends an alarm.
_FINDINGS: Final = {
    "JobsAlive": "jobs_alive",
    "OrdersUnknown": "orders_unresolved",
    "SymbolsHalted": "symbols_halted",
    "DailyLossReached": "daily_loss_reached",
    "DeadMansSwitch": "dead_mans_switch",
    "KeyAgeDays": "key_age_days",
    "StopsMissing": "stops_missing",
}
_AMOUNTS: Final = {"EquityQuote": "equity_quote"}
METRICS: Final = ("RunErrors", *_COUNTS, *_FINDINGS, *_AMOUNTS)


class Redactor:
    """Takes known secrets out of finished text: whatever wrote them there, they do not leave."""

    def __init__(self) -> None:
        self._hidden: set[str] = set()

    def hide(self, secrets: Iterable[Secret]) -> None:
        """Adds secrets as soon as they are known."""
        for secret in secrets:
            # As it is and as repr and JSON spell it: lines are made of those.
            spelled = {secret.reveal(), repr(secret.reveal())[1:-1]}
            spelled |= {json.dumps(text)[1:-1] for text in spelled}
            self._hidden |= spelled - {""}

    def clean(self, text: str) -> str:
        """`text` with *** for each secret, the longest first: one may be a part of another."""
        for hidden in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(hidden, "***")
        return text

    def cover(self, logger: logging.Logger) -> None:
        """Cleans whatever the handlers of `logger` write from now on, tracebacks included."""
        for handler in logger.handlers:
            if not isinstance(handler.formatter, _Cleaned):
                handler.setFormatter(_Cleaned(self, handler.formatter or logging.Formatter()))


class _Cleaned(logging.Formatter):
    """Another formatter's lines, cleaned."""

    def __init__(self, redactor: Redactor, inner: logging.Formatter) -> None:
        super().__init__()
        self._redactor = redactor
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.clean(self._inner.format(record))


class _CleanJson(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, cleaned; a class of its own because Logger sets keys on it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(utc=True, use_rfc3339=True)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.clean(super().format(record))


def make_logger(
    service: str, level: str, redactor: Redactor, stream: IO[str] | None = None
) -> Logger:
    """The deployment's logger: JSON lines to `stream` (standard output unless given), cleaned.

    Lines of other libraries that reach the root logger are cleaned too.
    """
    redactor.cover(logging.getLogger())
    return Logger(
        service=service, level=level, logger_formatter=_CleanJson(redactor), stream=stream
    )


def log_outcome(logger: Logger, outcome: RunOutcome, now_ms: int) -> None:
    """Writes the run's one line: what it saw, decided and did, and its metrics.

    Whatever LOG_LEVEL is: that thins out detail, and this line is what the alarms live on.
    """
    line = {
        "levelno": logging.INFO,
        "levelname": "INFO",
        "msg": "outcome",
        "funcName": str(outcome.tick.job),
        "outcome": outcome.as_json(),
        "correlation_id": outcome.tick.correlation_id,
        **_embedded(now_ms, metrics_of(outcome)),
    }
    logger.registered_handler.handle(logging.makeLogRecord(line))


def log_failure(
    logger: Logger, error: BaseException, *, job: str, correlation_id: str, now_ms: int
) -> None:
    """Writes the one line of a run that ended in `error`, with its traceback and one RunErrors."""
    logger.error(
        "%s: %s",
        type(error).__name__,
        error,
        exc_info=error,
        job=job,
        correlation_id=correlation_id,
        **_embedded(now_ms, {"RunErrors": 1}),
    )


def metrics_of(outcome: RunOutcome) -> dict[str, float]:
    """The metrics of one run, by name."""
    counts = {name: sum(counts(one) for one in outcome.symbols) for name, counts in _COUNTS.items()}
    found = {name: outcome.findings.get(key) for name, key in _FINDINGS.items()}
    amounts = {name: outcome.account.get(key) for name, key in _AMOUNTS.items()}
    return {
        **({} if outcome.ok else {"RunErrors": 1}),
        **{name: count for name, count in counts.items() if count},
        **{name: count for name, count in found.items() if count is not None},
        **{name: float(amount) for name, amount in amounts.items() if amount is not None},
    }


def _embedded(now_ms: int, metrics: Mapping[str, float]) -> dict[str, Any]:
    """The keys that make CloudWatch read metrics out of a log line (EMF, version 1).

    The dimension `service` is a key that the logger puts on every line.
    """
    if not metrics:
        return {}
    definitions = [
        {"Name": name, "Unit": "None" if name in _AMOUNTS else "Count"} for name in metrics
    ]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": definitions}
    return {"_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]}, **metrics}
