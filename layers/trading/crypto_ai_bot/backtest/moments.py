"""Times as a reader of a report sees them: UTC."""

from datetime import UTC, datetime


def day(at_ms: int) -> str:
    """2026-01-31."""
    return _at(at_ms).strftime("%Y-%m-%d")


def month(at_ms: int) -> str:
    """2026-01."""
    return _at(at_ms).strftime("%Y-%m")


def day_and_minute(at_ms: int) -> str:
    """2026-01-31 12:34."""
    return _at(at_ms).strftime("%Y-%m-%d %H:%M")


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1_000, UTC)
