"""What a rehearsal is, given what was asked for."""

from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.plan import (
    CREDENTIALS_PARAMETER,
    EMBEDDED,
    GATE,
    Plan,
    Wish,
    home_of,
    plan_of,
)

MINUTE = 60_000
NOW = 1_795_348_825_000  # 25 s after a minute
THIS_MINUTE = NOW - 25_000
LIVE = {"MODE": "live"}
FILE = "BTC_USDT-1m-2023-03.csv.gz"


def planned(remembered_ms: int | None = None, **wish: Any) -> Plan:
    return plan_of(Wish(**wish), now_ms=NOW, remembered_ms=remembered_ms)


def test_without_a_wish_the_schedules_fire_in_real_time_on_the_embedded_exchange() -> None:
    plan = planned()
    assert (plan.exchange, plan.scheduled, plan.start_ms) == (EMBEDDED, True, NOW)
    assert plan.parameters("http://127.0.0.1:1/api/v4", ()) == {
        "ExchangeUrl": "http://127.0.0.1:1/api/v4",
        "Clock": "exchange",
        "SchedulesState": "ENABLED",
    }


def test_with_ticks_the_market_is_held_at_the_minute_and_nothing_waits() -> None:
    plan = planned(ticks="3")
    assert (plan.scheduled, plan.ticks, plan.speed) == (False, 3, 0.0)
    assert plan.start_ms == THIS_MINUTE
    assert plan.parameters("", ())["SchedulesState"] == "DISABLED"


def test_an_account_goes_on_where_its_market_stood() -> None:
    ahead = THIS_MINUTE + 90 * MINUTE
    assert planned(ahead, ticks="3").start_ms == ahead
    assert planned(THIS_MINUTE - MINUTE, ticks="3").start_ms == THIS_MINUTE


def test_in_real_time_the_markets_minutes_begin_with_the_real_ones() -> None:
    ahead = THIS_MINUTE + 90 * MINUTE
    start_ms = planned(ahead).start_ms
    assert start_ms is not None
    assert start_ms >= ahead
    assert start_ms % MINUTE == NOW % MINUTE


def test_an_account_does_not_go_back_in_time() -> None:
    with pytest.raises(RehearsalError, match="make forget"):
        planned(THIS_MINUTE, ticks="3", start="2023-03-09")


def test_a_replay_starts_anew_from_a_time_and_goes_on_without_one() -> None:
    anew = planned(5 * MINUTE, data=(FILE,), start="2023-03-09")
    onward = planned(5 * MINUTE, data=(FILE,))
    first = planned(data=(FILE,))
    assert (anew.fresh, anew.start_ms) == (True, 1_678_320_000_000)
    assert (onward.fresh, onward.start_ms) == (False, 5 * MINUTE)
    assert (first.fresh, first.start_ms) == (True, None)


def test_a_replay_runs_at_sixty_times_or_as_asked_or_without_waiting_for_some_ticks() -> None:
    assert planned(data=(FILE,)).speed == 60
    assert planned(data=(FILE,), speed="600").speed == 600
    assert planned(data=(FILE,), speed="max").speed == 0
    assert planned(data=(FILE,), ticks="5").speed == 0
    assert planned(data=(FILE,), ticks="5", speed="60").speed == 60


def test_a_replay_trades_what_it_has_data_for_unless_told_otherwise() -> None:
    pairs = ("BTC_USDT", "ETH_USDT")
    assert planned(data=(FILE,)).parameters("u", pairs)["Symbols"] == "BTC/USDT,ETH/USDT"
    told = planned(data=(FILE,), settings={"SYMBOL": "ETH/USDT"}).parameters("u", pairs)
    assert (told["Symbol"], "Symbols" in told) == ("ETH/USDT", False)


def test_a_made_up_market_has_what_is_to_be_traded() -> None:
    assert planned().pairs == ("BTC_USDT",)
    assert planned(settings={"SYMBOLS": "BTC/USDT,ADA/USDT"}).pairs == ("BTC_USDT", "ADA_USDT")


def test_gate_itself_is_neither_pointed_elsewhere_nor_followed_by_a_clock() -> None:
    plan = planned(exchange="gate", ticks="2")
    assert plan.exchange == GATE
    assert plan.parameters("", ()) == {"SchedulesState": "DISABLED"}


def test_settings_become_parameters_by_name() -> None:
    parameters = planned(settings={"RISK_COOLDOWN_SEC": "5"}).parameters("u", ())
    assert parameters["RiskCooldownSec"] == "5"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"ticks": "0"}, "TICKS=0"),
        ({"ticks": "three"}, "TICKS=three"),
        ({"speed": "fast"}, "SPEED=fast"),
        ({"speed": "-1"}, "SPEED=-1"),
        ({"speed": "nan"}, "SPEED=nan"),
        ({"exchange": "kraken"}, "EXCHANGE=kraken: allowed is embedded, gate"),
        ({"start": "noon", "ticks": "1"}, "FROM=noon"),
        ({"exchange": "gate", "settings": {"MODE": "live"}}, "trades no real money"),
        ({"settings": LIVE | {"SANDBOX": "1"}}, "SANDBOX=1: a rehearsal has an exchange"),
        ({"ticks": "3", "faults": "5"}, "FAULTS=5: only with MODE=live"),
        ({"ticks": "3", "kill": "5"}, "KILL=5: only with MODE=live"),
        ({"faults": "5", "settings": LIVE}, "FAULTS=5: only with TICKS or DATA"),
        ({"ticks": "3", "faults": "51", "settings": LIVE}, "FAULTS=51: allowed is per cent"),
        ({"ticks": "3", "kill": "0", "settings": LIVE}, "KILL=0: allowed is minutes"),
        ({"ticks": "3", "kill": "often", "settings": LIVE}, "KILL=often"),
        ({"exchange": "gate", "data": (FILE,)}, "DATA with EXCHANGE=gate"),
        ({"exchange": "gate", "speed": "60"}, "SPEED with EXCHANGE=gate"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(RehearsalError, match=said) as refusal:
        planned(**wish)
    assert "\n" not in str(refusal.value)


def test_live_begins_anew_each_time_for_its_account_goes_with_its_exchange() -> None:
    plan = planned(THIS_MINUTE + 90 * MINUTE, ticks="3", settings=LIVE)
    assert (plan.live, plan.fresh, plan.start_ms) == (True, True, THIS_MINUTE)
    replayed = planned(5 * MINUTE, data=(FILE,), settings=LIVE)
    assert (replayed.fresh, replayed.start_ms) == (True, None)


def test_live_is_told_where_its_key_is_and_what_to_spend() -> None:
    parameters = planned(ticks="3", settings=LIVE).parameters("u", ())
    assert parameters["Mode"] == "live"
    assert parameters["CredentialsParameter"] == CREDENTIALS_PARAMETER
    assert parameters["FixedAmount"] == "100"
    told = planned(ticks="3", settings=LIVE | {"FIXED_AMOUNT": "20"}).parameters("u", ())
    assert told["FixedAmount"] == "20"


def test_trouble_is_what_was_asked_for() -> None:
    plan = planned(ticks="3", faults="5", kill="3", seed="9", settings=LIVE)
    assert (plan.faults_pct, plan.kill_minutes, plan.seed, plan.troubled) == (5, 3, 9, True)
    assert not planned(ticks="3", settings=LIVE).troubled


def test_live_never_meets_a_paper_account(tmp_path: Path) -> None:
    for data in ((), (FILE,)):
        live = home_of(Wish(data=data, settings=LIVE), tmp_path)
        assert live.is_relative_to(tmp_path / "live")
        assert not home_of(Wish(data=data), tmp_path).is_relative_to(tmp_path / "live")


def test_each_market_has_a_home_of_its_own(tmp_path: Path) -> None:
    homes = {
        home_of(Wish(data=data), tmp_path)
        for data in ((), (FILE,), (f"/other/{FILE}",), (FILE, "ETH_USDT-1m.csv"))
    }
    assert len(homes) == 4
    assert home_of(Wish(), tmp_path) == tmp_path
    assert home_of(Wish(exchange="gate"), tmp_path) == tmp_path / "gate"
    assert home_of(Wish(data=(FILE,)), tmp_path).name.startswith("BTC_USDT-1m-2023-03-")
