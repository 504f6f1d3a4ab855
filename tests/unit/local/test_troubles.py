"""Trouble on purpose: as much as was asked for, the same for the same seed."""

import json

from crypto_ai_bot.local.exchange.faults import FaultPlan
from crypto_ai_bot.local.exchange.operator_routes import faults_of
from crypto_ai_bot.local.exchange.wire import Request
from crypto_ai_bot.local.troubles import Killer, fault_rules

CALLS = 20_000


def request(path: str, method: str = "GET") -> Request:
    return Request(method, path, "", {}, b"", "127.0.0.1")


def struck(path: str, seed: int, pct: float = 5, method: str = "GET") -> list[str]:
    plan = FaultPlan(faults_of(json.dumps(fault_rules(pct, seed))))
    found = (plan.strike(request(path, method)) for _ in range(CALLS))
    return ["" if one is None else f"{one.kind} {one.when}" for one in found]


def test_so_many_per_cent_of_the_calls_are_struck_before_and_after_their_effect() -> None:
    kinds = [one for one in struck("/api/v4/spot/accounts", 7) if one]
    assert 0.04 < len(kinds) / CALLS < 0.06
    assert {one.split()[1] for one in kinds} == {"before", "after"}


def test_orders_may_also_arrive_late() -> None:
    assert "late_apply " in struck("/api/v4/spot/orders", 7, method="POST")


def test_the_same_seed_is_the_same_trouble_and_another_one_is_not() -> None:
    path = "/api/v4/spot/tickers"
    assert struck(path, 7) == struck(path, 7)
    assert struck(path, 7) != struck(path, 8)


def test_the_time_of_the_market_is_spared() -> None:
    assert not any(struck("/api/v4/spot/time", 7, pct=50))


def test_without_minutes_nothing_is_killed() -> None:
    killer = Killer(list, 0, 7)
    for _ in range(1_000):
        killer.begin_minute()
    killer.stop()
    assert killer.kills == 0
