"""cab-verify-exchange against the embedded exchange, with both answers where it can give both."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
from crypto_ai_bot.brokers.trial import Signing
from crypto_ai_bot.cli.verify_exchange import POINTS, _parser, act, exchange_of
from crypto_ai_bot.domain.errors import AnotherDeployment, BadSetting, ExchangeRefusesKey
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.domain.ledger import Ledger, Pending
from crypto_ai_bot.domain.order import Purpose, Side
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.hall import NewKey
from crypto_ai_bot.local.exchange.market import synthetic_market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.server import serving
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.instance import Instance
from fakes import Bench
from fakes_feed import BTC_USDT
from live_desk import KEY, SECRET, START_MS, MarketTime

LIVE = {
    "MODE": "live",
    "FIXED_AMOUNT": "50",
    "TRADING_PARAMETER": "/cab/trading",
    "API_KEY": KEY,
    "API_SECRET": SECRET,
    "SYMBOL": "BTC/USDT",
    "DEPLOYMENT_ID": "desk",
}
SETTINGS = Settings.from_environment({**LIVE, "EXCHANGE_URL": "http://127.0.0.1:1/api/v4"})


@dataclass
class Place:
    """The embedded exchange, a key on it, and an empty table beside."""

    grounds: Grounds
    client: CcxtClient
    desk: Desk

    def run(self, *words: str) -> int:
        return act(_parser().parse_args(words), SETTINGS, "embedded", self.desk, self.client)

    @property
    def account(self) -> Any:
        return self.grounds.hall.keyring.keys[KEY].account

    def by_hand(self, **form: str) -> None:
        order = {"currency_pair": "BTC_USDT", "account": "spot", **form}
        trial = self.client.submit(
            "by hand",
            lambda gate: gate.privateSpotPostOrders(order),
            Signing(self.desk.clock.now_ms()),
        )
        assert trial.reply.status == 201, trial.reply.body


@contextmanager
def place_of(quote: str = "1000") -> Iterator[Place]:
    market_clock = MarketClock(START_MS, 0)
    grounds = Grounds(synthetic_market(["BTC_USDT", "ADA_USDT"], seed=7), market_clock)
    grounds.make_key(KEY, SECRET, USDT=quote)
    with serving(grounds) as url:
        client = CcxtClient("gateio", base_url=url, api_key=KEY, api_secret=SECRET, interval_ms=0)
        bench, store = Bench(), TableStore(MemoryTable(), "live")
        clock = MarketTime(market_clock, left_ms=10**9)
        broker = GateBroker(client, clock, GateTerms())
        instance = Instance(store, "0a1b2c3d4e5f", SETTINGS.owner)
        desk = Desk(store, broker, clock, bench.switch, bench.desk.policy, instance)
        try:
            yield Place(grounds, client, desk)
        finally:
            client.close()


@pytest.fixture
def place() -> Iterator[Place]:
    with place_of() as made:
        yield made


type Answers = Callable[..., Mapping[str, Mapping[str, Any]]]


@pytest.fixture
def answers(place: Place, capsys: pytest.CaptureFixture[str]) -> Answers:
    """Runs some points, sees that nothing is left, and gives their answers by point."""

    def run(points: str, *words: str) -> Mapping[str, Mapping[str, Any]]:
        place.run("--json", "--points", points, *words)
        report = json.loads(capsys.readouterr().out)
        assert_nothing_is_open(place)
        return {one["point"]: one for one in report["answers"]}

    return run


def assert_nothing_is_open(place: Place) -> None:
    assert not place.account.open
    assert not place.account.open_price_orders
    assert not place.account.countdowns
    assert place.account.available("BTC") < Decimal("0.00005")


def test_every_point_is_answered_and_nothing_is_left(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.grounds.hall.market.revise("ADA_USDT", trade_status="untradable")
    before = place.account.available("USDT")
    place.run()
    told = capsys.readouterr().out
    assert "not established: " not in told, told
    for point in POINTS:
        assert f"\n{point:<4}" in told
    assert_nothing_is_open(place)
    assert before - place.account.available("USDT") < Decimal("0.5")
    assert not place.desk.store.instance_lock("0a1b2c3d4e5f").expires_ms > START_MS + 600_000


SWITCHES: Mapping[str, tuple[str, str, Mapping[str, Any], str, str]] = {
    "a label of its own for x-gate-exptime": (
        "1",
        "1",
        {"exptime_status": 403, "exptime_label": "REQUEST_FORBIDDEN"},
        "HTTP 400 REQUEST_EXPIRED",
        "HTTP 403 REQUEST_FORBIDDEN; the program takes it for unknown",
    ),
    "a countdown that takes price orders along": (
        "2",
        "2",
        {"countdown_cancels_price_orders": True},
        "no: it is still open",
        "yes: it is cancelled",
    ),
    "funds reserved": (
        "3",
        "3",
        {"price_order_reserves": True},
        "no: the free balance did not move",
        "yes: ",
    ),
    "a text of the fired order": ("3b", "3b", {"price_order_text": "auto"}, "'apiv4'", "'auto'"),
    "put.type=market": (
        "4",
        "4",
        {"price_order_market": True},
        "no: HTTP 400 INVALID_PARAM_VALUE",
        "yes",
    ),
    "orders listed late": (
        "6",
        "6",
        {"order_list_lag_ms": 4_000},
        "at most 0 ms in 3 tries",
        "at most 4000 ms in 3 tries",
    ),
    "trades listed late": (
        "6",
        "6b",
        {"trade_lag_ms": 3_000},
        "at most 0 ms in 3 tries",
        "at most 3000 ms in 3 tries",
    ),
    "orders without a fill that vanish": (
        "6",
        "6c",
        {"zero_fill_vanish_ms": 10_000},
        "more than 30 s",
        "10 s, then it was gone",
    ),
    "texts that must be new": (
        "7",
        "7",
        {"text_unique": True},
        "yes: two orders; lookup gives the later",
        "no: HTTP 400 DUPLICATE_REQUEST",
    ),
    "orders found by text after their end": (
        "7",
        "7b",
        {"text_lookup": "always"},
        "HTTP 404 CLIENT_ID_NOT_FOUND",
        "order ",
    ),
    "texts that may come again": (
        "7",
        "7c",
        {"text_unique": True},
        "yes",
        "no: HTTP 400 DUPLICATE_REQUEST",
    ),
    "the label of a closed pair": (
        "9",
        "9",
        {"untradable_label": "TRADE_RESTRICTED"},
        "HTTP 400 INVALID_CURRENCY_PAIR",
        "HTTP 400 TRADE_RESTRICTED",
    ),
    "the status of a stale signature": (
        "5",
        "5",
        {"stale_status": 200},
        "REQUEST_EXPIRED 403",
        "REQUEST_EXPIRED 200",
    ),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_both_answers_are_told_apart(name: str, place: Place, answers: Answers) -> None:
    point, row, switch, first, second = SWITCHES[name]
    place.grounds.hall.market.revise("ADA_USDT", trade_status="untradable")
    without = answers(point)[row]
    place.grounds.hall.clock.advance(60_000)
    place.grounds.switch(**switch)
    with_it = answers(point)[row]
    assert without["established"] and with_it["established"], (without, with_it)  # noqa: PT018
    assert first in without["answer"]
    assert second in with_it["answer"]
    assert first not in with_it["answer"]


def test_an_exchange_that_does_not_look_at_the_expiry_is_not_called_proved(
    place: Place, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answers("1")["1"]["proved"] is True
    place.grounds.switch(exptime_honoured=False)
    found = answers("1")["1"]
    assert found["proved"] is False
    assert found["answer"] == "nothing: it was carried out"
    place.run("--points", "1")
    assert "NOT to be relied on" in capsys.readouterr().out


def test_what_cannot_be_answered_is_not_established_and_says_why(
    place: Place, answers: Answers
) -> None:
    closed = answers("9")["9"]
    assert not closed["established"]
    assert "no pair against USDT is closed for buys" in closed["answer"]
    place.grounds.switch(order_list_lag_ms=60_000)
    assert "longer than was waited for" in answers("6")["6"]["answer"]
    place.grounds.strike("html", method="POST", path="/countdown", n=0)
    assert "the countdown was not taken: HTTP 502" in answers("2")["2"]["answer"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["rst", "html"])
def test_what_got_no_answer_is_taken_back_all_the_same(
    place: Place, answers: Answers, kind: str, when: str
) -> None:
    for path in ("/spot/orders$", "/spot/price_orders$"):
        place.grounds.strike(kind, method="POST", path=path, when=when, n=2)
    found = answers("1,3,3b,6,7")
    assert any(not one["established"] for one in found.values())


def test_the_fixtures_hold_requests_and_answers_and_no_secret(place: Place, tmp_path: Path) -> None:
    place.run("--record", str(tmp_path))
    files = sorted(tmp_path.glob("*.json"))
    assert {f"point-{point}.json" for point in POINTS} < {file.name for file in files}
    text = "".join(file.read_text() for file in files)
    user_id = str(place.account.user_id)
    signatures = {entry.headers.get("sign", "") for entry in place.grounds.line.log.entries}
    assert KEY not in text
    assert SECRET not in text
    assert '"SIGN"' not in text
    assert user_id not in text
    assert not any(one and one in text for one in signatures)
    [first, *_] = json.loads((tmp_path / "point-1.json").read_text())["requests"]
    assert first["request"]["method"] == "GET"
    late = json.loads((tmp_path / "point-1.json").read_text())["requests"]
    refused = next(one for one in late if one["response"]["status"] == 400)
    assert refused["request"]["headers"]["x-gate-exptime"]
    assert refused["request"]["body"]["text"].startswith("t-verify.")
    assert refused["response"]["body"]["label"] == "REQUEST_EXPIRED"
    assert refused["response"]["headers"]["X-In-Time"]


def test_bad_keys_and_a_lack_of_permission_or_money_stop_it_with_one_line(place: Place) -> None:
    hall = place.grounds.hall
    hall.make_key(NewKey(KEY, SECRET, {}, permissions={"spot": "r"}))
    with pytest.raises(ExchangeRefusesKey, match="the API key may only read"):
        place.run()
    assert_nothing_is_open(place)
    hall.keyring.keys[KEY] = replace(hall.keyring.keys[KEY], state="expired")
    with pytest.raises(ExchangeRefusesKey, match="Gate does not know API_KEY"):
        place.run()
    with place_of("5") as poor, pytest.raises(BadSetting, match=r"^5 USDT are free and "):
        poor.run()


def test_what_is_somebody_elses_is_not_disturbed(place: Place) -> None:
    place.by_hand(side="buy", type="limit", price="50000", amount="0.001", time_in_force="gtc")
    with pytest.raises(BadSetting, match="is open on BTC/USDT: cancel it first"):
        place.run()
    assert len(place.account.open) == 1


def test_a_running_deployment_or_an_open_position_keeps_it_out(place: Place) -> None:
    store, clock = place.desk.store, place.desk.clock
    lock = InstanceLock("0a1b2c3d4e5f").taken("stack one", clock.now_ms() + 600_000)
    assert store.commit([Replace(lock)]) is None
    with pytest.raises(AnotherDeployment, match="stack one"):
        place.run()
    place.grounds.hall.clock.advance(700_000)
    pending = Pending("t-live-x", Side.BUY, Purpose.ENTRY, Decimal(1), Decimal(1), 1)
    assert store.commit([Replace(replace(Ledger(BTC_USDT), pending=pending))]) is None
    with pytest.raises(BadSetting, match="the books hold 0 BTC or have an order under way"):
        place.run()
    assert place.run("--points", "8", "--no-table") == 0
    assert place.run("--points", "8", "--symbol", "ADA/USDT") == 0
    lock = store.instance_lock("0a1b2c3d4e5f")
    assert lock.free_for("stack one", clock.now_ms())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--points", "1,x"), "there is no 'x'"),
        (("--symbol", "BTCUSDT"), "is not a symbol"),
        (("--symbol", "XYZ/USDT"), "XYZ/USDT is not traded there"),
    ],
)
def test_options_that_do_not_fit_get_one_line(
    place: Place, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(BadSetting, match=said) as caught:
        place.run(*words)
    assert "\n" not in str(caught.value)


def test_real_money_is_refused_unless_plainly_asked_for() -> None:
    live, sandbox = Settings.from_environment(LIVE), {**LIVE, "SANDBOX": "1"}
    with pytest.raises(BadSetting, match=r"^SANDBOX=0: this places orders"):
        exchange_of(live, real_money=False)
    assert exchange_of(live, real_money=True) == "mainnet"
    assert exchange_of(Settings.from_environment(sandbox), real_money=False) == "testnet"
    elsewhere = Settings.from_environment({**sandbox, "EXCHANGE_URL": "https://gate.example/v4"})
    with pytest.raises(BadSetting, match=r"^EXCHANGE_URL is not on this machine"):
        exchange_of(elsewhere, real_money=False)
    with pytest.raises(BadSetting, match=r"^MODE=paper: must be live"):
        exchange_of(Settings.from_environment({}), real_money=True)
