"""Whether a stop whose placing was not answered rests at the exchange."""

from collections.abc import Sequence
from dataclasses import replace

from crypto_ai_bot.domain.exchange_stop import ExchangeStop
from crypto_ai_bot.reconciliation.resolve import (
    ABSENCE_WINDOW_MS,
    ABSENCES_NEEDED,
    ARRIVAL_MARGIN_MS,
)


def searched(stop: ExchangeStop, stop_ids: Sequence[str], server_ms: int) -> ExchangeStop | None:
    """The stop after a complete search at `server_ms` found `stop_ids`; None once proved absent.

    The same proof as for an order: it can no longer arrive, and several searches did not find it.
    """
    if stop_ids:
        return replace(stop, stop_ids=tuple(stop_ids))
    if server_ms <= stop.arrives_until_ms + ARRIVAL_MARGIN_MS:
        return stop
    stop = replace(
        stop,
        absences=stop.absences + 1,
        absent_since_ms=stop.absent_since_ms or server_ms,
    )
    for_ms = server_ms - stop.absent_since_ms
    return None if stop.absences >= ABSENCES_NEEDED and for_ms >= ABSENCE_WINDOW_MS else stop
