"""The deployed functions, as their schedules would call them."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.moments import moment_text
from crypto_ai_bot.local.stack import Stack

EVALUATE: Final = "evaluate"
EXITS: Final = "exits"
WATCHDOG: Final = "watchdog"
RECONCILE: Final = "reconcile"
JOBS: Final = (EVALUATE, EXITS, WATCHDOG, RECONCILE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one run came to: its outcome, or the one line with which it failed."""

    job: str
    scheduled_ms: int
    outcome: Mapping[str, Any] | None
    error: str | None = None
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Functions:
    """The job functions of a stack."""

    stack: Stack

    def run(self, job: str, scheduled_ms: int) -> Answer:
        """Invoke one tick and wait for its end. Safe under threads.

        A run that fails is an answer; a cloud that does not run it is a RehearsalError.
        """
        event = {
            "job": job,
            "scheduled_time": moment_text(scheduled_ms),
            "execution_id": f"rehearsal-{job}-{scheduled_ms}",
            "attempt": "1",
        }
        began = time.perf_counter()
        try:
            response = self.stack.cloud.client("lambda").invoke(
                FunctionName=self.stack.function(job), Payload=json.dumps(event).encode()
            )
            payload = json.loads(response["Payload"].read() or b"null")
        except (BotoCoreError, ClientError) as error:
            raise RehearsalError(f"the embedded cloud did not run {job}: {error}") from error
        took_ms = round((time.perf_counter() - began) * 1000)
        if "FunctionError" in response or not isinstance(payload, dict):
            return Answer(job, scheduled_ms, None, _error(payload), took_ms)
        return Answer(job, scheduled_ms, payload, None, took_ms)


def _error(payload: Any) -> str:
    if isinstance(payload, dict) and "errorMessage" in payload:
        return str(payload["errorMessage"])
    return f"answered {payload!r}"
