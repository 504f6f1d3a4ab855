"""Starting and stopping by hand: the operator's word in the table."""

from crypto_ai_bot.domain.errors import StoreUnavailable
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.trading_state import Control, TradingState, more_careful
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.ports.store import Change, Create, Replace, Store, as_stored

TRIES = 5


def set_trading_state(
    store: Store,
    clock: Clock,
    state: TradingState,
    reason: str,
    changed_by: str,
    *,
    only_tighten: bool = False,
) -> Control:
    """Makes `state` the table's word on trading, and tells the operator that it changed.

    The last one to ask wins; `only_tighten` leaves a state that allows less as it stands. Setting
    the state that already stands changes nothing. Raises StoreUnavailable when the table did not
    answer (then it is not known which state stands), or when others were quicker each time.
    """
    control = store.glance().control
    for _ in range(TRIES):
        if control.state is state and control.version:
            return control
        if only_tighten and more_careful(control.state, state) is not state:
            return control
        changed = Control(state, reason, changed_by, clock.now_ms(), control.version)
        told = Event(
            f"control:{changed.version}:{changed.changed_ms}",
            EventKind.CONTROL,
            changed.changed_ms,
            "",
            f"trading is {state}, set by {changed_by}: {reason}",
        )
        if store.commit([Replace(changed), Create(told)]) is None:
            return as_stored(changed)
        control = store.glance().control
    raise StoreUnavailable(f"others were quicker {TRIES} times: trading is {control.state}")


def stop_entries(store: Store, clock: Clock, cause: Event, changed_by: str) -> bool:
    """Tells the operator of `cause` and closes entries for it, together and once.

    True when it was new; what was told before changes nothing, so that a person may start again.
    Raises StoreUnavailable as `set_trading_state`.
    """
    for _ in range(TRIES):
        control = store.glance().control
        changes: list[Change] = [Create(cause)]
        if control.state.entries_open:
            closed = TradingState.EXITS_ONLY
            stopped = Control(closed, cause.text, changed_by, clock.now_ms(), control.version)
            changes.append(Replace(stopped))
        conflict = store.commit(changes)
        if conflict is None:
            return True
        if isinstance(conflict.change, Create):
            return False
    raise StoreUnavailable(f"others were quicker {TRIES} times: entries may still be open")
