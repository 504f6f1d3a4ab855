"""The trading parameter and secrets in the parameter store."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from crypto_ai_bot.domain.errors import ParameterUnavailable, TradingError
from crypto_ai_bot.domain.trading_state import TradingState

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

CACHED_MS_MAX: Final = 10_000
ROTATED_MS_MAX: Final = 300_000


def read_parameter(client: "SSMClient", name: str) -> str:
    """The value of a parameter, decrypted. Raises ParameterUnavailable."""
    try:
        answer = client.get_parameter(Name=name, WithDecryption=True)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "error")
        raise ParameterUnavailable(f"parameter {name}: {code}") from error
    except BotoCoreError as error:
        raise ParameterUnavailable(f"parameter {name} did not answer: {error}") from error
    return answer["Parameter"]["Value"]


class ParameterSwitch:
    """The trading parameter, read at most every ten seconds of the process's own time.

    A value that is none of the three states is as good as unreadable: entries close, exits stay
    open. What was read before an error is not used again, for it may be the error that matters.
    """

    def __init__(self, read: Callable[[], str], monotonic_ms: Callable[[], int]) -> None:
        self._read = read
        self._monotonic_ms = monotonic_ms
        self._cached: tuple[int, TradingState] | None = None

    def read(self) -> TradingState:
        """The state it asks for. Raises ParameterUnavailable when it cannot be read."""
        now_ms = self._monotonic_ms()
        if self._cached and now_ms - self._cached[0] < CACHED_MS_MAX:
            return self._cached[1]
        self._cached = None
        text = self._read().strip()
        try:
            state = TradingState(text)
        except ValueError:
            allowed = ", ".join(TradingState)
            raise ParameterUnavailable(
                f"the trading parameter was {text[:40]!r}, allowed are {allowed}"
            ) from None
        self._cached = (now_ms, state)
        return state


class AlwaysOn:
    """The switch of a deployment that names no parameter: the table's word alone counts."""

    def read(self) -> TradingState:
        """On."""
        return TradingState.ON


class Refreshed[T]:
    """A secret that its owner may rotate: read anew after `for_ms` of the process's own time.

    While it cannot be read, or is not what it should be, the last one counts.
    """

    def __init__(
        self, read: Callable[[], T], monotonic_ms: Callable[[], int], for_ms: int = ROTATED_MS_MAX
    ) -> None:
        self._read = read
        self._monotonic_ms = monotonic_ms
        self._for_ms = for_ms
        self._kept: tuple[int, T] | None = None

    def get(self) -> T:
        """The value, at most `for_ms` old where it can be. Raises what the first read raises."""
        now_ms = self._monotonic_ms()
        if self._kept and now_ms - self._kept[0] < self._for_ms:
            return self._kept[1]
        try:
            value = self._read()
        except TradingError:
            if self._kept is None:
                raise
            value = self._kept[1]
        self._kept = (now_ms, value)
        return value
