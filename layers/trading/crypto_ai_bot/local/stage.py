"""Brings up exchange, cloud and stack, lets a rehearsal run on them, and takes all of it down."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from threading import Event
from typing import Final

from crypto_ai_bot.local.agreement import read_books
from crypto_ai_bot.local.closing import Closing
from crypto_ai_bot.local.cloud import Cloud, embedded_cloud
from crypto_ai_bot.local.embedded_exchange import EmbeddedExchange, embedded_exchange
from crypto_ai_bot.local.functions import Answer, Functions
from crypto_ai_bot.local.lines import line_of
from crypto_ai_bot.local.live_account import LiveAccount, open_account
from crypto_ai_bot.local.moments import MINUTE_MS, minute_of, short_text
from crypto_ai_bot.local.parameters import all_parameters
from crypto_ai_bot.local.places import Memory, Places, project_root
from crypto_ai_bot.local.plan import CREDENTIALS_PARAMETER, EMBEDDED, Plan, Wish, home_of, plan_of
from crypto_ai_bot.local.report import Report
from crypto_ai_bot.local.schedules import LogWatch
from crypto_ai_bot.local.stack import STACK, Stack, deploy, empty_table
from crypto_ai_bot.local.ticks import Driver, Market, Pace, as_scheduled, one_after_another
from crypto_ai_bot.local.troubles import Killer, children_of, fault_rules
from crypto_ai_bot.runtime.clock import wall_ms

type Say = Callable[[str], None]

_TOKEN_PARAMETER: Final = f"/{STACK}/api-token"
_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is up while a rehearsal runs.

    `exchange` is None where Gate itself is; `account` is None on paper.
    """

    plan: Plan
    memory: Memory
    stack: Stack
    exchange: EmbeddedExchange | None
    token_file: Path
    account: LiveAccount | None

    @property
    def closing(self) -> Closing | None:
        """How a live rehearsal ends; None on paper."""
        if not (self.exchange and self.account):
            return None
        client, table = self.stack.cloud.client("dynamodb"), self.stack.table
        return Closing(self.exchange, self.account, lambda: read_books(client, table))


def rehearse(wish: Wish, report: Report, say: Say) -> None:
    """Run to the end of what was wished for, or to Ctrl-C; the report fills as it goes."""

    def tell(answer: Answer) -> None:
        report.add(answer)
        say(line_of(answer))

    with _up(wish, say) as stage:
        report.troubled = stage.plan.troubled
        if stage.plan.fresh:
            empty_table(stage.stack)
        if stage.plan.scheduled:
            _watch_schedules(stage, say, tell)
            if stage.closing:
                report.agreement = stage.closing.compare_while_it_runs()
            return
        driver, killer = _driver(stage, tell), _killer(stage)
        try:
            _drive(stage, driver, killer)
        except KeyboardInterrupt:
            if not stage.closing:
                raise
            say("stopped before its end; what is under way is settled first")
        finally:
            killer.stop()
        if stage.closing:
            _switch(stage.stack, "exits_only")
            report.agreement = stage.closing.play_and_compare(driver.play, killer.kills)


def deploy_and_end(wish: Wish, say: Say) -> dict[str, str]:
    """Bring everything up once, as a proof that it deploys; return the stack's outputs."""
    with _up(wish, say) as stage:
        for name, value in stage.stack.outputs.items():
            say(f"{name:<22} {value}")
        return dict(stage.stack.outputs)


@contextmanager
def _up(wish: Wish, say: Say) -> Iterator[Stage]:
    root = project_root()
    places = Places(root, home_of(wish, root / ".local"))
    memory = Memory(places.home / "rehearsal.json")
    facts = memory.recall()
    plan = plan_of(wish, now_ms=wall_ms(), remembered_ms=facts.get("market_ms"))
    # Judged before anything is started; the exchange's own part comes when it is up.
    all_parameters(root / "template.yaml", plan.parameters("http://127.0.0.1", ()))
    with (
        _exchange(plan, places, facts.get("exchange_port")) as exchange,
        embedded_cloud(places, facts.get("cloud_port")) as cloud,
    ):
        memory.remember(
            cloud_port=cloud.port, **({"exchange_port": exchange.port} if exchange else {})
        )
        say(f"cloud     {cloud.endpoint}  state in {places.cloud.relative_to(root)}")
        token_file = places.made / "api-token"
        account = _account(plan, cloud, exchange)
        stack = _deployed(plan, places, cloud, exchange, _token(token_file), say)
        if account:
            _switch(stack, "on")  # the template opens live as exits_only: that is for real money
        yield Stage(plan, memory, stack, exchange, token_file.relative_to(root), account)


@contextmanager
def _exchange(plan: Plan, places: Places, port: int | None) -> Iterator[EmbeddedExchange | None]:
    if plan.exchange != EMBEDDED:
        yield None
        return
    running: AbstractContextManager[EmbeddedExchange] = embedded_exchange(
        places,
        pairs=plan.pairs,
        data=plan.data,
        start_ms=plan.start_ms,
        speed=1.0 if plan.scheduled else 0.0,
        port=port,
    )
    with running as exchange:
        yield exchange


def _account(plan: Plan, cloud: Cloud, exchange: EmbeddedExchange | None) -> LiveAccount | None:
    """A new account for a live rehearsal, its key where the functions look for it."""
    if not (plan.live and exchange):
        return None
    account = open_account(exchange, exchange.state()["pairs"])
    cloud.client("ssm").put_parameter(
        Name=CREDENTIALS_PARAMETER, Value=account.credentials, Type="SecureString", Overwrite=True
    )
    return account


def _switch(stack: Stack, state: str) -> None:
    stack.cloud.client("ssm").put_parameter(
        Name=stack.trading_parameter, Value=state, Overwrite=True
    )


def _deployed(
    plan: Plan,
    places: Places,
    cloud: Cloud,
    exchange: EmbeddedExchange | None,
    token: str,
    say: Say,
) -> Stack:
    began = time.perf_counter()
    url, pairs = "", ()
    if exchange:
        state = exchange.state()
        url, pairs = exchange.url, tuple(state["pairs"])
        prices = "  ".join(f"{pair} {price}" for pair, price in state["pairs"].items())
        say(f"exchange  {url}  {short_text(state['time_ms'])}  {prices}")
    cloud.client("ssm").put_parameter(
        Name=_TOKEN_PARAMETER, Value=token, Type="SecureString", Overwrite=True
    )
    parameters = {**plan.parameters(url, pairs), "ApiTokenParameter": _TOKEN_PARAMETER}
    stack = deploy(places, cloud, parameters)
    say(f"stack     {STACK}  up after {time.perf_counter() - began:.0f} s")
    return stack


def _token(file: Path) -> str:
    """The API's bearer token on this machine, made once."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


def _driver(stage: Stage, tell: Callable[[Answer], None]) -> Driver:
    plan, exchange = stage.plan, stage.exchange
    market: Market = exchange or _RealMarket()
    few = plan.ticks is not None and not plan.data and not plan.speed
    return Driver(
        market=market,
        run=Functions(stage.stack).run,
        waves=one_after_another if few else as_scheduled,
        pace=Pace(plan.speed, Event().wait, time.perf_counter),
        tell=tell,
    )


def _killer(stage: Stage) -> Killer:
    plan, cloud = stage.plan, stage.stack.cloud
    functions = partial(children_of, cloud.pid, str(cloud.interpreter))
    return Killer(functions, plan.kill_minutes, plan.seed)


def _drive(stage: Stage, driver: Driver, killer: Killer) -> None:
    """Fire the ticks ourselves, minute by minute."""
    plan, exchange = stage.plan, stage.exchange
    if exchange and plan.faults_pct:
        exchange.control("POST", "faults", fault_rules(plan.faults_pct, plan.seed))
    for minute_ms in _minutes(plan, exchange, minute_of(driver.market.now_ms())):
        if exchange:
            # Before it is played: an account never sees a minute twice, whatever happens in it.
            stage.memory.remember(market_ms=minute_ms + MINUTE_MS)
        killer.begin_minute()
        driver.play(minute_ms)


def _minutes(plan: Plan, exchange: EmbeddedExchange | None, first_ms: int) -> Iterator[int]:
    end_ms = exchange.state()["data_end_ms"] if exchange else None
    numbers = count() if plan.ticks is None else range(plan.ticks)
    minutes = (first_ms + number * MINUTE_MS for number in numbers)
    return takewhile(lambda at_ms: end_ms is None or at_ms < end_ms, minutes)


def _watch_schedules(stage: Stage, say: Say, tell: Callable[[Answer], None]) -> None:
    """Let the cloud fire, and tell what it does, until Ctrl-C."""
    stack = stage.stack
    say(
        f'api       curl -H "Authorization: Bearer $(cat {stage.token_file})"'
        f" '{stack.api_url}/orchestrator/status'\n"
        f"switch    AWS_ENDPOINT_URL={stack.cloud.endpoint} aws ssm put-parameter --overwrite"
        f" --name {stack.trading_parameter} --value exits_only\n"
        "The schedules fire each minute, for the first time within two. Ctrl-C stops everything."
    )
    watch = LogWatch(stack, wall_ms(), tell)
    pause = Event()
    with suppress(KeyboardInterrupt):
        while True:
            watch.look()
            if stage.exchange:
                reached_ms = minute_of(stage.exchange.now_ms()) + MINUTE_MS
                stage.memory.remember(market_ms=reached_ms)
            pause.wait(_LOOK_SECONDS)


class _RealMarket:
    """The real exchange's time is the real one; it is waited for."""

    def __init__(self) -> None:
        self._pause = Event()

    def now_ms(self) -> int:
        return wall_ms()

    def advance_to(self, at_ms: int) -> int:
        while (left_ms := at_ms - wall_ms()) > 0:
            self._pause.wait(left_ms / 1000)
        return wall_ms()
