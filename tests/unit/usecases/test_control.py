from collections.abc import Sequence
from dataclasses import replace

import pytest

from books import Books
from crypto_ai_bot.domain.errors import StoreUnavailable
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Change, Conflict, Replace
from crypto_ai_bot.usecases.control import set_trading_state


def test_the_last_word_stands_and_every_change_is_told(books: Books) -> None:
    for state in (TradingState.EXITS_ONLY, TradingState.OFF, TradingState.ON):
        set_trading_state(books.store, books.clock, state, "a test", "operator")
    control = books.store.glance().control
    assert control.state is TradingState.ON
    assert control.changed_by == "operator"
    assert len(books.store.events(10)) == 3


def test_setting_what_stands_changes_nothing(books: Books) -> None:
    for _ in range(3):
        set_trading_state(books.store, books.clock, TradingState.OFF, "a test", "operator")
    assert books.store.glance().control.version == 1
    assert len(books.store.events(10)) == 1


def test_a_word_that_could_not_be_set_is_never_taken_for_set(books: Books) -> None:
    """Somebody else is quicker each time: whoever asked for a stop must not believe it stands."""
    commit = books.store.commit

    def beaten(changes: Sequence[Change]) -> Conflict | None:
        control = books.store.glance().control
        commit([Replace(replace(control, state=TradingState.ON))])
        return commit(changes)

    books.store.commit = beaten  # type: ignore[method-assign]  # the same store, contended
    with pytest.raises(StoreUnavailable, match="is on"):
        set_trading_state(books.store, books.clock, TradingState.OFF, "a test", "operator")
