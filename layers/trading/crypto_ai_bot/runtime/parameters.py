"""The trading parameter and secrets in the parameter store."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from crypto_ai_bot.domain.errors import ParameterUnavailable
from crypto_ai_bot.domain.trading_state import TradingState

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

CACHED_MS_MAX: Final = 10_000


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
