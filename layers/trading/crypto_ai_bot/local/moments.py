"""Times as people write and read them; in between they are milliseconds UTC."""

from datetime import UTC, datetime

from crypto_ai_bot.local.errors import RehearsalError

MINUTE_MS = 60_000


def moment_text(at_ms: int) -> str:
    """RFC 3339 with Z, as schedules say it: 2023-03-09T10:31:00Z."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    digits = "milliseconds" if at_ms % 1000 else "seconds"
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")


def short_text(at_ms: int) -> str:
    """To the minute, for a person's eye: 2023-03-09 10:31."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def moment_ms(text: str, what: str) -> int:
    """Read a date or an RFC 3339 time; UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RehearsalError(
            f"{what}={text}: not a time; allowed is 2023-03-09 or 2023-03-09T10:30:00Z"
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def minute_of(at_ms: int) -> int:
    """The minute that `at_ms` is in."""
    return at_ms - at_ms % MINUTE_MS
