"""Switches of the server around the engine, where Gate's answer is not established."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerConditions:
    """Statuses and labels, limits and latency; the defaults are reference gate-spot 8.3's."""

    exptime_honoured: bool = True  # documented, and never seen
    exptime_status: int = 400
    exptime_label: str = "REQUEST_EXPIRED"
    stale_status: int = 403  # of a stale Timestamp; 200 was seen (ccxt 13330)
    signature_status: int = 401
    rate_limits: bool | None = None  # None: while the market's time runs by itself
    # Real time that every answer takes, evenly between the two.
    latency_ms_least: int = 0
    latency_ms_most: int = 0
