"""Invariant I12 on the live path: no key, secret or signature in what we leave behind."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from contract.outcome_matrix import Detour
from crypto_ai_bot.domain.errors import TradingError
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.local.exchange.faults import EFFECTS, KINDS
from crypto_ai_bot.local.exchange.keys import KeyState
from crypto_ai_bot.runtime.observability import Redactor, log_failure, log_outcome, make_logger
from live_desk import KEY, SECRET, LiveDesk, live_desk

SLOW = {"hang", "stall", "slow", "drip"}  # the deadlines of the client have tests of their own
SIGNATURES: set[str] = set()


class Noting(Detour):
    """Remembers every signature that goes out."""

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        SIGNATURES.add((headers or {}).get("SIGN", ""))
        return super().fetch(url, method, headers, body)


@pytest.fixture
def desk() -> Iterator[LiveDesk]:
    SIGNATURES.clear()
    with live_desk(detour=Noting) as made:
        yield made


class Ears:
    """All that is said: our log with nothing redacted, other loggers, outcomes and errors."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        self._caplog = caplog
        self._stream = io.StringIO()
        self._logger = make_logger("secrets-nowhere", "DEBUG", Redactor(), self._stream)
        self._said: list[str] = []
        self.errors = 0

    def run(self, desk: LiveDesk, job: Job, says: Action = Action.HOLD) -> None:
        now_ms = desk.clock.now_ms()
        try:
            outcome = desk.run(job, says)
            log_outcome(self._logger, outcome, now_ms)
            self._said += [json.dumps(outcome.as_json()), repr(outcome)]
        except TradingError as error:
            self.errors += 1
            log_failure(self._logger, error, job=str(job), correlation_id="c", now_ms=now_ms)
            self._said += [str(error), repr(error)]

    def heard(self, desk: LiveDesk) -> str:
        table = desk.table
        books = [repr(item) for part in table._partitions.values() for item in part.items.values()]
        recorded = [repr(entry) for entry in desk.grounds.line.log.entries]
        orders = [repr(order) for order in desk.journaled()]
        everything = [*self._said, self._stream.getvalue(), self._caplog.text]
        return "\n".join([*everything, *books, *recorded, *orders])


def assert_no_secret(text: str) -> None:
    signatures = SIGNATURES - {""}
    assert len(signatures) > 10
    for secret in (KEY, SECRET, *signatures):
        assert secret not in text


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_secret_is_left_by_a_live_run_in_which_everything_fails(
    desk: LiveDesk, when: str, caplog: pytest.LogCaptureFixture
) -> None:
    ears = Ears(caplog)
    kinds = [kind for kind in KINDS if kind not in SLOW]
    for kind in kinds:
        more = {} if kind in EFFECTS else {"when": when}
        for method in ("POST", "GET"):
            desk.grounds.strike(kind, method=method, path="/(spot|wallet)/", n=1, skip=2, **more)
        for job in (Job.EVALUATE, Job.EXITS, Job.RECONCILE, Job.WATCHDOG):
            ears.run(desk, job, Action.ENTER)
            desk.clock.advance(20_000)
        desk.price(50_000)
        ears.run(desk, Job.EXITS)
        desk.price(60_000)
        desk.clock.advance(240_000)
    text = ears.heard(desk)
    assert len(desk.journaled()) > 2
    assert "label" in text  # raw answers are among what is looked at
    assert_no_secret(text)


@pytest.mark.parametrize("state", ["expired", "locked"])
def test_no_secret_is_left_by_a_key_that_is_refused(
    desk: LiveDesk, state: KeyState, caplog: pytest.LogCaptureFixture
) -> None:

    ears = Ears(caplog)
    ears.run(desk, Job.EVALUATE, Action.ENTER)
    keys = desk.grounds.hall.keyring.keys
    keys[KEY] = replace(keys[KEY], state=state)
    for _ in range(8):
        desk.clock.advance(60_000)
        for job in (Job.EVALUATE, Job.EXITS, Job.RECONCILE, Job.WATCHDOG):
            ears.run(desk, job, Action.EXIT)
    assert ears.errors
    assert_no_secret(ears.heard(desk))


def test_what_the_exchange_repeats_of_our_secrets_is_not_journaled(
    desk: LiveDesk, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine on the way may answer with the request that it was sent."""
    ears = Ears(caplog)
    desk.enter()
    desk.grounds.strike(
        "label",
        method="POST",
        path="/spot/orders$",
        label="SERVER_ERROR",
        message=f"KEY {KEY} secret {SECRET}",
        when="after",
    )
    desk.clock.advance(60_000)
    desk.price(50_000)
    ears.run(desk, Job.EXITS)
    text = ears.heard(desk)
    assert "KEY *** secret ***" in text
    for secret in (KEY, SECRET):
        assert secret not in text
