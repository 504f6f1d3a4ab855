"""The person beside a live rehearsal: looks when entries were stopped, and starts them again."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.local.functions import Answer
from crypto_ai_bot.local.moments import MINUTE_MS
from crypto_ai_bot.runtime.clock import SystemClock, pause_between_tries
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.storage.table import DynamoTable
from crypto_ai_bot.usecases.control import set_trading_state

LOOKS_AFTER_MS = 5 * MINUTE_MS
LOOKS_EVERY_MS = 2 * MINUTE_MS
HALTED_ALONE = re.compile(r"^    halted: ", re.MULTILINE)


@dataclass
class Operator:
    """Looks with `cab-reconcile`, as a person would; what agrees is started or released.

    `starts` counts what entries had been stopped for, ids and figures left out.
    """

    client: Any
    table: str
    variables: Mapping[str, str]
    now_ms: Callable[[], int]
    starts: Counter[str] = field(default_factory=Counter)
    releases: int = 0
    _stopped_ms: int = 0
    _looked_ms: int = 0

    def hear(self, answer: Answer) -> None:
        """Notice from an outcome that entries are stopped, or that they are not."""
        state = (answer.outcome or {}).get("trading_state")
        if state == str(TradingState.ON):
            self._stopped_ms = 0
        elif state and not self._stopped_ms:
            self._stopped_ms = answer.scheduled_ms

    def end_minute(self, at_ms: int) -> None:
        """Some minutes after a stop, look; when books and exchange agree, start again."""
        waited = self._stopped_ms and at_ms - self._stopped_ms >= LOOKS_AFTER_MS
        if not waited or at_ms - self._looked_ms < LOOKS_EVERY_MS:
            return
        self._looked_ms = at_ms
        code, shown = self._reconcile()
        if code and len(HALTED_ALONE.findall(shown)) == shown.count("\n    "):
            code, _ = self._reconcile("release", "BTC/USDT", "--reason", "it agrees again")
            self.releases += not code
        if not code:
            self._start()

    def _start(self) -> None:
        table = DynamoTable(self.client, self.table, lambda: str(uuid4()), pause_between_tries)
        store = TableStore(table, "live", nothing_ttl_seconds=604_800, event_ttl_seconds=604_800)
        cause = re.sub(r"[\d.]+", "#", store.glance().control.reason)
        self.starts[re.sub(r"t-[a-z#-]+", "t-…", cause)] += 1
        clock = SystemClock(lambda: 0, wall_ns=lambda: self.now_ms() * 1_000_000)
        set_trading_state(store, clock, TradingState.ON, "looked: the books agree", "operator")
        self._stopped_ms = 0

    def _reconcile(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "crypto_ai_bot.cli.reconcile", *words],
            capture_output=True,
            text=True,
            check=False,
            env=dict(self.variables),
        )
        return done.returncode, done.stdout
