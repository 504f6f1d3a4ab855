"""Events in: what a schedule, a person or a test sends, read strictly into a tick."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from crypto_ai_bot.domain.errors import BadEvent
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import MINUTE_MS, Symbol

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_PLACEHOLDER: Final = re.compile(r"<aws\.scheduler\.[\w-]+>")


def read_tick(
    event: Any,
    job: Job,
    *,
    run_id: str,
    configured: tuple[Symbol, ...],
    minute_if_unsubstituted_ms: int | None,
) -> Tick:
    """The tick that `event` asks for. Raises BadEvent, one line, for anything else.

    A placeholder that the scheduler left as it was counts as `minute_if_unsubstituted_ms`, which
    only the embedded cloud gives: in the cloud it is an error, for every tick would be one slot.
    """
    if not isinstance(event, Mapping):
        raise BadEvent(f"the event was {type(event).__name__}, an object is needed")
    if event.get("job") != job:
        raise BadEvent(f"job was {event.get('job')!r}, this function runs {job.value!r}")
    return Tick(
        job=job,
        scheduled_ms=_scheduled_ms(event.get("scheduled_time"), minute_if_unsubstituted_ms),
        correlation_id=_correlation_id(event.get("execution_id")) or run_id,
        run_id=run_id,
        symbols=_symbols(event.get("symbols"), configured),
    )


def _scheduled_ms(text: Any, fallback_ms: int | None) -> int:
    if isinstance(text, str) and _PLACEHOLDER.fullmatch(text) and fallback_ms is not None:
        return fallback_ms - fallback_ms % MINUTE_MS
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        raise BadEvent(f"scheduled_time was {text!r}, an RFC 3339 time is needed")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadEvent(f"scheduled_time was {text!r}: {error}") from None
    return int(moment.astimezone(UTC).timestamp()) * 1_000


def _correlation_id(text: Any) -> str:
    """The event's own mark, cut to what fits into a log field; "" when it has none."""
    if not isinstance(text, str) or _PLACEHOLDER.fullmatch(text):
        return ""
    return re.sub(r"[^\w.:-]", "", text)[:64]


def _symbols(texts: Any, configured: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
    if texts is None:
        return ()
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise BadEvent(f"symbols was {texts!r}, a list of symbols is needed")
    try:
        symbols = tuple(dict.fromkeys(Symbol.parse(text) for text in texts))
    except ValueError as error:
        raise BadEvent(f"symbols: {error}") from None
    unknown = sorted(str(symbol) for symbol in set(symbols) - set(configured))
    if unknown:
        allowed = ", ".join(map(str, configured))
        raise BadEvent(f"symbols: {', '.join(unknown)} not configured, allowed are {allowed}")
    return symbols
