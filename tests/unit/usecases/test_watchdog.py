from dataclasses import replace

from books import Books
from builders import dec
from crypto_ai_bot.domain.job import Health, Job
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.outcome import Decision
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import Fault


def health(books: Books) -> Health:
    watchdog(books.desk, books.tick(Job.WATCHDOG))
    found = books.store.glance().health
    assert found
    return found


def all_jobs(books: Books) -> None:
    books.evaluate()
    books.exits()
    books.reconcile()


def test_all_is_well_when_all_jobs_have_run(books: Books) -> None:
    all_jobs(books)
    found = health(books)
    assert found.status == "ok"
    assert set(found.checks.values()) == {"ok"}


def test_exits_that_are_silent_are_a_failure_and_others_a_degradation(books: Books) -> None:
    assert health(books).checks["heartbeat exits"] == "never ran"
    all_jobs(books)
    books.next_minute(4)
    books.exits()
    assert health(books).status == "degraded"
    books.next_minute(4)
    found = health(books)
    assert found.status == "failing"
    assert found.checks["heartbeat exits"] == "last completed 240 s ago"


def test_a_run_that_could_not_judge_everything_is_seen(books: Books) -> None:
    all_jobs(books)
    books.enter()
    books.broker.down = True
    books.exits()
    found = health(books)
    assert found.status == "failing"
    assert "did not answer" in found.checks["exchange"]


def test_an_order_unresolved_for_two_minutes_is_seen(books: Books) -> None:
    all_jobs(books)
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    assert health(books).checks["orders"] == "ok"
    books.next_minute(3)
    assert health(books).checks["orders"].startswith("1 unresolved")


def test_the_lease_of_a_run_that_died_is_given_back(books: Books) -> None:
    all_jobs(books)
    books.enter()
    books.store.commit([Replace(books.ledger.leased_to("dead", books.clock.at_ms + 70_000))])
    token = books.ledger.token
    books.next_minute(2)
    assert health(books).checks["leases"] == "ok"
    assert books.ledger.lease is None
    assert books.ledger.token == token


def test_a_lease_that_outlasts_any_run_is_seen_and_left(books: Books) -> None:
    books.enter()
    books.store.commit([Replace(books.ledger.leased_to("odd", books.clock.at_ms + 10**9))])
    assert "longer than a run lives" in health(books).checks["leases"]
    assert books.ledger.lease


def test_a_clock_that_is_off_is_seen(books: Books) -> None:
    books.broker.fetch_server_ms = lambda: books.clock.at_ms + 6_000  # type: ignore[method-assign]  # another clock
    assert health(books).checks["exchange"] == "the exchange's clock is 6000 ms from ours"


def test_a_halt_is_seen_with_its_reason(books: Books) -> None:
    books.enter()
    books.next_minute()
    books.broker.balances["BTC"] -= dec("0.001")
    books.reconcile()
    assert "BTC/USDT" in health(books).checks["halts"]


def test_an_older_finding_does_not_overwrite_a_newer_one(books: Books) -> None:
    newest = health(books)
    books.clock.at_ms -= 60_000
    watchdog(books.desk, replace(books.tick(Job.WATCHDOG)))
    assert books.store.glance().health == newest


def test_when_exits_is_silent_the_watchdog_sells_at_the_stop_and_stops_entries(
    books: Books,
) -> None:
    books.dead_after_ms = 180_000
    all_jobs(books)
    books.enter()
    books.price("18000")
    books.next_minute(4)
    outcome = watchdog(books.desk, books.tick(Job.WATCHDOG))
    assert [one.decision for one in outcome.symbols] == [Decision.STOP]
    control = books.store.glance().control
    assert (control.state, control.changed_by) == (TradingState.EXITS_ONLY, "watchdog")
    assert books.store.glance().heartbeats[Job.EXITS].completed_ms < books.clock.at_ms - 180_000
    books.assert_books_equal_exchange()
    books.next_minute()
    assert books.enter().decision is Decision.BLOCKED


def test_a_position_opened_before_exits_first_ran_is_given_the_same_time(books: Books) -> None:
    books.dead_after_ms = 180_000
    books.enter()
    books.next_minute()
    assert watchdog(books.desk, books.tick(Job.WATCHDOG)).symbols == ()
    assert books.store.glance().control.state is TradingState.ON
    books.next_minute(3)
    assert watchdog(books.desk, books.tick(Job.WATCHDOG)).symbols
    assert books.store.glance().control.state is TradingState.EXITS_ONLY


def test_the_watchdog_goes_on_judging_until_exits_is_back(books: Books) -> None:
    books.dead_after_ms = 180_000
    all_jobs(books)
    books.enter()
    books.next_minute(4)
    assert watchdog(books.desk, books.tick(Job.WATCHDOG)).symbols[0].decision is Decision.HOLD
    books.next_minute()
    books.price("18000")
    assert watchdog(books.desk, books.tick(Job.WATCHDOG)).symbols[0].decision is Decision.STOP


def test_without_a_position_or_on_paper_nobody_is_replaced(books: Books) -> None:
    books.dead_after_ms = 180_000
    books.next_minute(60)
    assert watchdog(books.desk, books.tick(Job.WATCHDOG)).symbols == ()
    books.dead_after_ms = 0
    books.enter()
    books.price("18000")
    books.next_minute(60)
    assert watchdog(books.desk, books.tick(Job.WATCHDOG)).symbols == ()
    assert books.store.glance().control.version == 0


def test_off_stays_off_when_the_watchdog_takes_over(books: Books) -> None:
    books.dead_after_ms = 180_000
    books.enter()
    set_trading_state(books.store, books.clock, TradingState.OFF, "a test", "operator")
    books.next_minute(4)
    watchdog(books.desk, books.tick(Job.WATCHDOG))
    assert books.store.glance().control.state is TradingState.OFF


def test_off_that_is_set_while_the_watchdog_works_stays_off(books: Books) -> None:
    books.dead_after_ms = 180_000
    books.enter()
    books.next_minute(4)

    def operator_stops(call: str) -> None:
        if call == "time":
            books.broker.on_call = lambda _call: None
            set_trading_state(books.store, books.clock, TradingState.OFF, "a test", "operator")

    books.broker.on_call = operator_stops
    watchdog(books.desk, books.tick(Job.WATCHDOG))
    assert books.store.glance().control.state is TradingState.OFF


def test_a_key_that_ends_by_itself_is_warned_of_in_time(books: Books) -> None:
    all_jobs(books)
    days: dict[int, str] = {}
    for age in (74, 75, 91):
        books.key_created_ms = books.clock.at_ms - age * 86_400_000
        days[age] = health(books).checks["exchange key"]
    assert days[74] == "ok"
    assert days[75].startswith("the exchange key is 75 days old, Gate ends it after 90")
    assert days[91].startswith("the exchange key is 91 days old")


def findings(books: Books) -> dict[str, int]:
    return dict(watchdog(books.desk, books.tick(Job.WATCHDOG)).findings)


def test_what_alarms_are_set_on_is_counted_also_when_it_is_nothing(books: Books) -> None:
    nothing = {"orders_unresolved": 0, "symbols_halted": 0, "daily_loss_reached": 0}
    assert findings(books) == {"jobs_alive": 1, **nothing}
    all_jobs(books)
    assert findings(books) == {"jobs_alive": 4, **nothing}
    books.next_minute(4)
    assert findings(books) == {"jobs_alive": 2, **nothing}  # reconcile may take fifteen


def test_an_overdue_order_and_a_halt_are_counted(books: Books) -> None:
    books.broker.faults = [Fault.LOST_AFTER]
    books.enter()
    books.next_minute(3)
    assert findings(books)["orders_unresolved"] == 1
    books.exits()
    books.next_minute()
    books.broker.balances["BTC"] -= dec("0.001")
    books.reconcile()
    assert findings(books)["symbols_halted"] == 1


def test_a_days_loss_is_counted_with_what_open_positions_would_lose(books: Books) -> None:
    books.limits = replace(books.limits, daily_loss_quote_max=dec(10))
    books.enter()
    assert findings(books)["daily_loss_reached"] == 0
    books.price("15000")
    assert findings(books)["daily_loss_reached"] == 1
    books.limits = replace(books.limits, daily_loss_quote_max=dec(0))
    assert findings(books)["daily_loss_reached"] == 0


def test_the_key_and_the_dead_mans_switch_are_counted_where_they_are(books: Books) -> None:
    books.key_created_ms, books.dead_after_ms = books.clock.at_ms - 76 * 86_400_000, 180_000
    books.enter()
    assert findings(books) | {"dead_mans_switch": 0, "key_age_days": 76} == findings(books)
    books.next_minute(5)
    assert findings(books)["dead_mans_switch"] == 1
