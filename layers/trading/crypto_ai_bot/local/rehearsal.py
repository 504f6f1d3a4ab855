"""make run: the whole system on this machine, deployed to an embedded cloud and traded on paper."""

import argparse
import json
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from threading import Event
from typing import Any, Final, NoReturn

from crypto_ai_bot.local.cloud import Cloud, embedded_cloud
from crypto_ai_bot.local.embedded_exchange import EmbeddedExchange, embedded_exchange
from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.functions import Answer, Functions
from crypto_ai_bot.local.lines import line_of
from crypto_ai_bot.local.moments import MINUTE_MS, minute_of, short_text
from crypto_ai_bot.local.places import Memory, Places, project_root
from crypto_ai_bot.local.plan import EMBEDDED, Plan, Wish, home_of, plan_of
from crypto_ai_bot.local.report import Report
from crypto_ai_bot.local.schedules import LogWatch
from crypto_ai_bot.local.stack import STACK, Stack, deploy, empty_table
from crypto_ai_bot.local.ticks import Driver, Market, Pace, as_scheduled, one_after_another

_TOKEN_PARAMETER: Final = f"/{STACK}/api-token"
_LOOK_SECONDS: Final = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every run came to an end, 1 when one failed, 2 with one line for what cannot be done."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    say = _printer(sys.stderr if options.json else sys.stdout)
    report = Report()
    wish = Wish(
        options.ticks,
        tuple(options.data),
        options.start,
        options.speed,
        options.exchange,
        dict(options.settings),
    )
    try:
        _rehearse(wish, report, say, deploy_only=options.deploy_only)
    except RehearsalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("stopped")
    if options.json:
        print(json.dumps(report.as_json(), indent=1))
    elif report.ticks:
        say(report.as_text())
    return 1 if report.errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--ticks", default="", help="minutes to play, without waiting for them")
    parser.add_argument("--data", action="append", default=[], help="[PAIR=]candle file to replay")
    parser.add_argument("--from", dest="start", default="", help="2023-03-09 or with a time")
    parser.add_argument("--speed", default="", help="market seconds a real second, or max")
    parser.add_argument("--exchange", default="", help="embedded, or gate for its real prices")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], type=_setting, metavar="NAME=VALUE"
    )
    parser.add_argument("--deploy-only", action="store_true", help="end when the stack stands")
    parser.add_argument("--json", action="store_true", help="the report as JSON on stdout")
    return parser


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text}: must be NAME=VALUE")
    return name, value


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _printer(stream: Any) -> Callable[[str], None]:
    return lambda text: print(text, file=stream, flush=True)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that is up while a rehearsal runs."""

    plan: Plan
    memory: Memory
    stack: Stack
    exchange: EmbeddedExchange | None
    report: Report
    say: Callable[[str], None]

    def tell(self, answer: Answer) -> None:
        self.report.add(answer)
        self.say(line_of(answer))


def _rehearse(wish: Wish, report: Report, say: Callable[[str], None], *, deploy_only: bool) -> None:
    root = project_root()
    places = Places(root, home_of(wish, root / ".local"))
    memory = Memory(places.home / "rehearsal.json")
    facts = memory.recall()
    plan = plan_of(wish, now_ms=_now_ms(), remembered_ms=facts.get("market_ms"))
    with ExitStack() as up:
        exchange = None
        if plan.exchange == EMBEDDED:
            exchange = up.enter_context(_exchange(plan, places, facts.get("exchange_port")))
            memory.remember(exchange_port=exchange.port)
        cloud = up.enter_context(embedded_cloud(places, facts.get("cloud_port")))
        memory.remember(cloud_port=int(cloud.endpoint.rpartition(":")[2]))
        stack = _deployed(plan, places, cloud, exchange, say)
        if plan.fresh:
            empty_table(stack)
        scene = _Scene(plan, memory, stack, exchange, report, say)
        if deploy_only:
            say(json.dumps(dict(stack.outputs), indent=1))
        elif plan.scheduled:
            _watch_schedules(scene)
        else:
            _drive(scene)


def _exchange(plan: Plan, places: Places, port: int | None) -> Any:
    return embedded_exchange(
        places,
        pairs=plan.pairs,
        data=plan.data,
        start_ms=plan.start_ms,
        speed=1.0 if plan.scheduled else 0.0,
        port=port,
    )


def _deployed(
    plan: Plan,
    places: Places,
    cloud: Cloud,
    exchange: EmbeddedExchange | None,
    say: Callable[[str], None],
) -> Stack:
    began = time.perf_counter()
    say(f"cloud     {cloud.endpoint}  (state in {places.cloud.relative_to(places.root)})")
    if exchange:
        state = exchange.state()
        prices = "  ".join(f"{pair} {price}" for pair, price in state["pairs"].items())
        say(f"exchange  {exchange.url}  {short_text(state['time_ms'])}  {prices}")
    _put_token(cloud, _token(places))
    parameters = plan.parameters(
        exchange.url if exchange else "", tuple(exchange.state()["pairs"]) if exchange else ()
    )
    stack = deploy(places, cloud, {**parameters, "ApiTokenParameter": _TOKEN_PARAMETER})
    say(f"stack     {STACK}  deployed in {time.perf_counter() - began:.0f} s")
    return stack


def _token(places: Places) -> str:
    """The API's bearer token on this machine, made once."""
    file = places.made / "api-token"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


def _put_token(cloud: Cloud, token: str) -> None:
    cloud.client("ssm").put_parameter(
        Name=_TOKEN_PARAMETER, Value=token, Type="SecureString", Overwrite=True
    )


def _drive(scene: _Scene) -> None:
    """Fire the ticks ourselves, minute by minute."""
    market: Market = scene.exchange or _RealMarket()
    minutes = _minutes(scene.plan, scene.exchange, minute_of(market.now_ms()))
    alone = scene.plan.ticks and not scene.plan.data and not scene.plan.speed
    driver = Driver(
        market=market,
        run=Functions(scene.stack).run,
        waves=one_after_another if alone else as_scheduled,
        pace=Pace(scene.plan.speed, Event().wait, time.perf_counter),
        tell=scene.tell,
    )
    for minute_ms in minutes:
        # Said before it is played: an account never sees a minute twice, whatever happens.
        if scene.exchange:
            scene.memory.remember(market_ms=minute_ms + MINUTE_MS)
        driver.play(minute_ms)


def _minutes(plan: Plan, exchange: EmbeddedExchange | None, first_ms: int) -> Iterator[int]:
    end_ms = exchange.state()["data_end_ms"] if exchange else None
    numbers = range(plan.ticks) if plan.ticks else count()
    minutes = (first_ms + number * MINUTE_MS for number in numbers)
    return takewhile(lambda at_ms: end_ms is None or at_ms < end_ms, minutes)


def _watch_schedules(scene: _Scene) -> None:
    """Let the cloud fire, and tell what it does, until Ctrl-C."""
    stack = scene.stack
    token = (project_root() / ".local" / "api-token").relative_to(Path.cwd(), walk_up=True)
    scene.say(
        f"api       curl -H \"Authorization: Bearer $(cat {token})\" '{stack.api_url}/health'\n"
        f"switch    AWS_ENDPOINT_URL={stack.cloud.endpoint} aws ssm put-parameter --overwrite"
        f" --name {stack.trading_parameter} --value exits_only\n"
        "The schedules fire each minute, the first within two. Ctrl-C stops everything."
    )
    watch = LogWatch(stack, _now_ms(), scene.tell)
    pause = Event()
    with suppress(KeyboardInterrupt):
        while True:
            watch.look()
            if scene.exchange:
                scene.memory.remember(market_ms=minute_of(scene.exchange.now_ms()) + MINUTE_MS)
            pause.wait(_LOOK_SECONDS)


class _RealMarket:
    """The real exchange's time is the real one; it is waited for."""

    def __init__(self) -> None:
        self._pause = Event()

    def now_ms(self) -> int:
        return _now_ms()

    def advance_to(self, at_ms: int) -> int:
        while (left_ms := at_ms - _now_ms()) > 0:
            self._pause.wait(left_ms / 1000)
        return _now_ms()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000  # noqa: TID251 - until runtime/clock.py stands


if __name__ == "__main__":
    sys.exit(main())
