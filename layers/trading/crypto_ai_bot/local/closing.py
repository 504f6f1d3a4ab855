"""The end of a live rehearsal: trouble stops, what is under way is settled, the books compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Final

from crypto_ai_bot.local.agreement import Agreement, Books, agreement_of
from crypto_ai_bot.local.embedded_exchange import EmbeddedExchange
from crypto_ai_bot.local.live_account import LiveAccount, account_state
from crypto_ai_bot.local.moments import MINUTE_MS, minute_of

# An order whose fate is unknown is decided or halted within ten minutes, and then comes reconcile.
SETTLED_WITHIN_MINUTES: Final = 16
_QUIET_MINUTES: Final = 2  # what is late on the line has arrived by then
_LOOKS, _LOOK_SECONDS = 5, 2.0


@dataclass(frozen=True, slots=True)
class Closing:
    """What is needed to end: the exchange with its account, and our books as they stand."""

    exchange: EmbeddedExchange
    account: LiveAccount
    read_books: Callable[[], Books]

    def play_and_compare(self, play: Callable[[int], None], kills: int) -> Agreement:
        """Play on without trouble until nothing is under way, then compare.

        `play` plays a minute of the market with every job in it. Entries should be closed by now.
        """
        troubles = self._end_faults() | ({"kills": kills} if kills else {})
        first_ms = minute_of(self.exchange.now_ms()) + MINUTE_MS
        for number in range(SETTLED_WITHIN_MINUTES):
            quiet = number >= _QUIET_MINUTES or not troubles
            if quiet and not self.read_books().open_orders:
                break
            play(first_ms + number * MINUTE_MS)
        return self._compared(troubles)

    def compare_while_it_runs(self) -> Agreement:
        """Compare beside running functions: what differs is looked at again."""
        pause = Event()
        for _ in range(_LOOKS):
            found = self._compared({})
            if not found.disagreements:
                break
            pause.wait(_LOOK_SECONDS)
        return found

    def _compared(self, troubles: Mapping[str, int]) -> Agreement:
        state = account_state(self.exchange, self.account)
        return agreement_of(self.read_books(), state, self.account.funds, troubles)

    def _end_faults(self) -> dict[str, int]:
        rules = self.exchange.control("GET", "faults")
        self.exchange.control("DELETE", "faults")
        return {"faults": sum(rule["struck"] for rule in rules)} if rules else {}
