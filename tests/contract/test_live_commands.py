"""The person's commands and reconcile against the embedded exchange, through the real client."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_broker import GateBroker, GateTerms
from crypto_ai_bot.brokers.trial import Signing
from crypto_ai_bot.cli.finding import Finding, findings_of
from crypto_ai_bot.cli.reconcile import _parser, act
from crypto_ai_bot.cli.smoke_live import live_checks
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.event import EventKind
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.hall import NewKey
from crypto_ai_bot.local.exchange.market import synthetic_market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.server import serving
from crypto_ai_bot.ports.store import Replace
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.instance import Instance
from crypto_ai_bot.usecases.reconcile import reconcile
from fakes import Bench, Scripted
from fakes_feed import BTC_USDT, ManualClock

KEY, SECRET = "live-key-0123456789", "live-secret-0123456789"
DAY_MS = 86_400_000
SETTINGS = Settings.from_environment(
    {
        "MODE": "live",
        "FIXED_AMOUNT": "50",
        "TRADING_PARAMETER": "/cab/trading",
        "API_KEY": KEY,
        "API_SECRET": SECRET,
    }
)


@dataclass
class Account:
    """A live deployment with memory for a table, and the exchange that it trades on."""

    grounds: Grounds
    desk: Desk
    clock: ManualClock

    def advance(self, by_ms: int) -> None:
        self.clock.time_ms += by_ms
        self.grounds.hall.clock.advance(by_ms)

    def trade_by_hand(self, side: str, amount: str, text: str = "") -> None:
        """An order of the operator's, or of another bot's, with the same key."""
        broker = self.desk.broker
        assert isinstance(broker, GateBroker)
        form = {"currency_pair": "BTC_USDT", "type": "market", "side": side, "amount": amount}
        form |= {"account": "spot", "time_in_force": "ioc", **({"text": text} if text else {})}
        signing = Signing(self.clock.now_ms())
        broker._client.call("by hand", lambda gate: gate.privateSpotPostOrders(form), dict, signing)

    def run(self, job: Any, name: Job) -> Any:
        now_ms = self.clock.now_ms()
        return job(self.desk, Tick(name, now_ms, "event", f"run-{now_ms}"))

    def enter(self) -> None:
        policy = replace(self.desk.policy, strategy=Scripted(Action.ENTER))
        self.desk = replace(self.desk, policy=policy)
        (outcome,) = self.run(evaluate, Job.EVALUATE).symbols
        assert outcome.order, outcome

    def reconcile(self) -> tuple[str, ...]:
        (outcome,) = self.run(reconcile, Job.RECONCILE).symbols
        reasons: tuple[str, ...] = outcome.reasons
        return reasons

    def smoke(self) -> Mapping[str, Finding]:
        return {one.check: one for one in findings_of(live_checks(SETTINGS, self.desk))}

    def command(self, *words: str) -> int:
        return act(_parser().parse_args(words), self.desk)


@pytest.fixture
def account() -> Iterator[Account]:
    with ExitStack() as stack:
        clock = ManualClock()
        grounds = Grounds(synthetic_market(["BTC_USDT"], seed=7), MarketClock(clock.now_ms(), 0))
        grounds.make_key(KEY, SECRET, USDT="1000")
        url = stack.enter_context(serving(grounds))
        client = CcxtClient("gateio", base_url=url, api_key=KEY, api_secret=SECRET, interval_ms=0)
        stack.callback(client.close)
        bench, store = Bench(), TableStore(MemoryTable(), "live")
        policy = replace(
            bench.desk.policy,
            deployment_tag="live",
            symbols=(BTC_USDT,),
            amount_quote=Decimal(50),
        )
        broker = GateBroker(client, clock, GateTerms())
        instance = Instance(store, "0a1b2c3d4e5f", SETTINGS.owner)
        yield Account(grounds, Desk(store, broker, clock, bench.switch, policy, instance), clock)


def new_key(account: Account, **changes: Any) -> None:
    account.grounds.hall.make_key(NewKey(KEY, SECRET, {}, **changes))


def test_a_fresh_live_account_is_ok_and_told_what_its_first_order_would_be(
    account: Account,
) -> None:
    found = account.smoke()
    assert all(one.ok for one in found.values()), [str(one) for one in found.values()]
    assert found["key"].found.startswith("may trade spot, no withdrawal")
    assert "0 of 90 days old" in found["key age"].found
    assert found["account"].found == "1000 USDT free, 50 an entry"
    assert found["order BTC"].found.startswith("market buy of BTC for 50 USDT at about ")
    assert found["order BTC"].found.endswith("not placed")
    assert account.desk.broker.fetch_balance(BTC_USDT).free_quote == 1000
    assert not account.desk.store.instance_lock("0a1b2c3d4e5f").owner
    assert not account.desk.store.glance().ledgers


@pytest.mark.parametrize(
    ("permissions", "told"),
    [
        ({"spot": "rw", "account": "rw", "withdraw": "rw"}, "the key may withdraw"),
        ({"spot": "r", "account": "rw", "wallet": "r"}, "the key may not trade spot"),
    ],
)
def test_a_key_that_may_too_much_or_too_little_is_named(
    account: Account, permissions: Any, told: str
) -> None:
    new_key(account, permissions=permissions)
    found = account.smoke()["key"]
    assert not found.ok
    assert found.found == told
    assert found.advice


def test_a_key_that_does_not_show_its_permissions_leaves_it_to_the_person(
    account: Account,
) -> None:
    account.grounds.make_key("live-other-key", "another")  # two keys look alike: neither is told
    new_key(account, permissions={"spot": "rw", "wallet": "r"})
    assert "FORBIDDEN" in account.smoke()["key"].found


def test_the_age_of_a_key_without_an_ip_list_is_warned_of(account: Account) -> None:
    account.advance(80 * DAY_MS)
    found = account.smoke()["key age"]
    assert not found.ok
    assert "80 days old" in found.found
    new_key(account, ip_whitelist=("127.0.0.1",))
    assert account.smoke()["key age"].found.startswith("1 addresses on its IP list")


def test_each_reason_why_no_entry_would_be_made_is_named(account: Account) -> None:
    store, clock = account.desk.store, account.clock
    lock = InstanceLock("0a1b2c3d4e5f").taken("stack one", clock.now_ms() + 600_000)
    assert store.commit([Replace(lock)]) is None
    set_trading_state(store, clock, TradingState.EXITS_ONLY, "a look first", "operator")
    account.trade_by_hand("buy", "970")
    found = account.smoke()
    assert found["lock"].found.startswith("held by stack one for 600 s more")
    assert "exits_only" in found["trading"].found
    assert "a look first" in found["trading"].found
    assert not found["account"].ok
    assert "trading_state: exits_only makes no entry" in found["order BTC"].advice
    assert "balance: " in found["order BTC"].advice


def test_paper_has_no_live_checks() -> None:
    assert not live_checks(SETTINGS, Bench().desk)


def test_orders_by_hand_are_told_explained_and_left_alone(account: Account) -> None:
    account.trade_by_hand("buy", "100")  # before our first order: the operator's own
    theirs = account.desk.broker.fetch_balance(BTC_USDT).free_base
    account.advance(60_000)
    account.enter()
    ledger = account.desk.store.glance().ledgers[BTC_USDT]
    assert ledger.foreign_base == theirs
    account.advance(60_000)
    account.trade_by_hand("buy", "70")
    first, by_hand, drift = account.reconcile()
    assert "(apiv4, buy of" in first
    assert "(apiv4, buy of" in by_hand
    assert drift.startswith("drift: the exchange holds")
    account.advance(300_000)
    assert account.reconcile() == ("books agree",)
    after = account.desk.store.glance().ledgers[BTC_USDT]
    assert after.position == ledger.position
    assert after.expected_base == account.desk.broker.fetch_balance(BTC_USDT).free_base


def test_another_deployments_order_stops_entries(account: Account) -> None:
    account.trade_by_hand("buy", "100", "t-laptop-abcdefghijklmnopqrs")
    (told,) = account.reconcile()
    assert "deployment 'laptop'" in told
    control = account.desk.store.glance().control
    assert control.state is TradingState.EXITS_ONLY
    assert "t-laptop-" in control.reason


def test_cab_reconcile_shows_agreement_and_difference(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.enter()
    assert account.command() == 0
    assert "agrees" in capsys.readouterr().out
    held = account.desk.store.glance().ledgers[BTC_USDT].position.base
    account.trade_by_hand("sell", "0.0001")
    assert account.command() == 1
    table = capsys.readouterr().out
    assert "LOOK" in table
    assert "(apiv4, sell of 0.0001 BTC" in table
    account.clock.advance(60_000)
    account.reconcile()
    assert account.command("--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["agrees"]
    (symbol,) = report["symbols"]
    assert symbol["ledger_base"] == format(held.normalize(), "f")
    assert any(line.startswith("halted: ") for line in symbol["evidence"])


def test_cab_reconcile_release_refuses_until_the_coins_are_back(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.enter()
    account.trade_by_hand("sell", "0.0001")
    account.clock.advance(60_000)
    account.reconcile()
    release = ("release", "BTC/USDT", "--reason", "I sold it by mistake")
    assert account.command(*release) == 1
    assert "bring back the 0.0001 BTC that are missing" in capsys.readouterr().out
    hall = account.grounds.hall
    hall.engine.transfer(
        hall.keyring.keys[KEY].account, "BTC", Decimal("0.0001"), account.clock.now_ms()
    )
    assert account.command(*release) == 0
    assert capsys.readouterr().out == "BTC/USDT is released\n"
    assert account.desk.store.glance().ledgers[BTC_USDT].halt is None
    kinds = [event.kind for event in account.desk.store.events(100)]
    assert EventKind.CONTROL in kinds


def test_cab_reconcile_resolve_tells_why_not_and_settles_what_is_shown(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.grounds.strike("fin", method="POST", when="after")
    account.enter()
    pending = account.desk.store.glance().ledgers[BTC_USDT].pending
    assert pending
    assert account.command("resolve", pending.client_order_id) == 0
    assert capsys.readouterr().out.startswith(f"{pending.client_order_id} is closed")
    ledger = account.desk.store.glance().ledgers[BTC_USDT]
    assert ledger.position.base == account.desk.broker.fetch_balance(BTC_USDT).free_base
    assert account.command("resolve", "t-live-nothing") == 1
    assert capsys.readouterr().out == "t-live-nothing: no such order in these books\n"


@pytest.mark.parametrize(
    "words",
    [
        ("resolve", "t-live-x", "--absent"),
        ("resolve", "t-live-x", "--because", "I know"),
        ("release", "BTCUSDT", "--reason", "x"),
        ("release", "BTC/USDT", "--reason", " "),
    ],
)
def test_words_that_do_not_fit_get_one_line(account: Account, words: tuple[str, ...]) -> None:
    with pytest.raises(BadSetting) as caught:
        account.command(*words)
    assert "\n" not in str(caught.value)
