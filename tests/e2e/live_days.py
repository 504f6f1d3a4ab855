"""Live trading for days of market: the real handlers, in processes that die, on a line that fails.

The same as make run MODE=live FAULTS=5 KILL=3, without the time that deployments and cold starts
take, with deaths at any call, and with an operator who looks when entries were stopped and starts
them again. As long as one likes:

    python -m e2e.live_days ../shared/data/BTC_USDT-1m-2023-03.csv.gz 2023-03-09 --days 3
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from contract.embedded_dynamodb import make_table, new_client, running_ministack
from crypto_ai_bot.local.agreement import Agreement, read_books
from crypto_ai_bot.local.closing import Closing
from crypto_ai_bot.local.embedded_exchange import embedded_exchange
from crypto_ai_bot.local.functions import JOBS, Answer
from crypto_ai_bot.local.live_account import open_account
from crypto_ai_bot.local.moments import MINUTE_MS, moment_ms, moment_text
from crypto_ai_bot.local.places import Places, project_root
from crypto_ai_bot.local.ticks import Driver, Pace, as_scheduled
from crypto_ai_bot.local.troubles import fault_rules
from e2e.attentive_operator import Operator

CROSSINGS_OF_A_TICK = 12
CROSSINGS_OF_AN_ORDER = 20
TABLE, SWITCH, CREDENTIALS = "live-days", "/live-days/trading", "/live-days/credentials"
# Many orders: short channels on minutes, and no pause in between.
SETTINGS = {
    "STRATEGY": "donchian_breakout",
    "STRATEGY_PARAMETERS": '{"entry_bars": 5, "exit_bars": 5, "atr": 5}',
    "FIXED_AMOUNT": "100",
    "RISK_MAX_ORDERS_PER_HOUR": "0",
    "STOP_HARD_PCT": "1",
    "STOP_TRAILING_PCT": "0.5",
    "TAKE_PROFIT_STEPS": "0.3:0.5",
    "EXITS_INTERVAL_SEC": "20",
}


@dataclass
class Crew:
    """The four functions, each in a process of its own, and the dice that kill them.

    Each minute one dies anywhere with a chance of one in `kill_minutes`; and as often as not an
    order that is placed meets a death of its own.
    """

    variables: Mapping[str, str]
    kill_minutes: float
    dice: random.Random
    kills: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    _doomed: str = ""
    _processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @contextmanager
    def at_work(self) -> Iterator["Crew"]:
        """All processes, ended when the context does."""
        with ExitStack() as stack:
            for job in JOBS:
                self._processes[job] = stack.enter_context(
                    subprocess.Popen(
                        [sys.executable, "-m", "e2e.warm_function"],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.DEVNULL,
                        text=True,
                        env=dict(self.variables),
                    )
                )
            yield self

    def begin_minute(self) -> None:
        """Choose who dies in this minute, if anybody."""
        doomed = self.kill_minutes and self.dice.random() < 1 / self.kill_minutes
        self._doomed = self.dice.choice(JOBS) if doomed else ""

    def spare(self) -> None:
        """Nobody dies any more."""
        self.kill_minutes, self._doomed = 0.0, ""

    def run(self, job: str, at_ms: int) -> Answer:
        """One tick, as the driver asks for it."""
        event = {"job": job, "scheduled_time": moment_text(at_ms), "execution_id": f"{job}-{at_ms}"}
        death = {"die_at": 0, "in_order": False}
        if job == self._doomed:
            death = {"die_at": self.dice.randint(1, CROSSINGS_OF_A_TICK), "in_order": False}
        elif self.kill_minutes and self.dice.random() < 1 / 2:
            death = {"die_at": self.dice.randint(1, CROSSINGS_OF_AN_ORDER), "in_order": True}
        process = self._processes[job]
        assert process.stdin
        assert process.stdout
        began = time.perf_counter()
        print(json.dumps({"job": job, "event": event, **death}), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline())
        self.kills += answer["died"]
        if answer["error"]:
            self.errors[answer["error"]] += 1
        took_ms = round((time.perf_counter() - began) * 1000)
        error = "killed" if answer["died"] else answer["error"]
        return Answer(job, at_ms, answer["outcome"], error, took_ms)


@dataclass(frozen=True)
class Days:
    """What was lived through; `starts` are the operator's, by what had stopped entries."""

    agreement: Agreement
    kills: int
    starts: Counter[str]
    errors: Counter[str]
    answers: list[Answer]

    @property
    def orders(self) -> set[str]:
        """The orders that any run told of."""
        return {
            one["order"]["client_order_id"]
            for answer in self.answers
            for one in (answer.outcome or {}).get("symbols", ())
            if one["order"]
        }

    @property
    def decisions(self) -> Counter[tuple[str, str]]:
        """How often each job decided what."""
        return Counter(
            (answer.job, one["decision"])
            for answer in self.answers
            for one in (answer.outcome or {}).get("symbols", ())
        )


def live_through(
    home: Path,
    *,
    minutes: int,
    faults_pct: float,
    kill_minutes: float,
    seed: int,
    data: str = "",
    start_ms: int | None = None,
    repeated_pct: float = 0,
    settings: Mapping[str, str] | None = None,
    tell: Callable[[Answer], None] = lambda _: None,
) -> Days:
    """Trade for so many minutes of market with that much trouble, then settle and compare."""
    answers: list[Answer] = []

    def heard(answer: Answer) -> None:
        answers.append(answer)
        operator.hear(answer)
        tell(answer)

    with (
        running_ministack() as endpoint,
        embedded_exchange(
            Places(project_root(), home),
            pairs=("BTC_USDT",),
            data=(data,) if data else (),
            start_ms=start_ms,
        ) as exchange,
    ):
        client = new_client(endpoint)
        make_table(client, TABLE)
        account = open_account(exchange, ("BTC_USDT",))
        ssm = boto3.client(
            "ssm",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        ssm.put_parameter(Name=SWITCH, Value="on", Type="String")
        ssm.put_parameter(Name=CREDENTIALS, Value=account.credentials, Type="SecureString")
        variables = {**_variables(endpoint, exchange.url), **SETTINGS, **(settings or {})}
        operator = Operator(client, TABLE, variables, exchange.now_ms)
        dice = random.Random(seed)  # noqa: S311 - chance to be repeated, not a secret
        with Crew(variables, kill_minutes, dice).at_work() as crew:
            pace = Pace(0, lambda _: None, time.perf_counter)
            driver = Driver(exchange, crew.run, as_scheduled, pace, heard)
            if faults_pct:
                exchange.control("POST", "faults", fault_rules(faults_pct, seed))
            if repeated_pct:
                exchange.control("POST", "faults", repetitions(repeated_pct, seed))
            first_ms = exchange.now_ms() // MINUTE_MS * MINUTE_MS + MINUTE_MS
            for number in range(minutes):
                crew.begin_minute()
                driver.play(first_ms + number * MINUTE_MS)
                operator.end_minute(first_ms + number * MINUTE_MS)
            crew.spare()
            ssm.put_parameter(Name=SWITCH, Value="exits_only", Overwrite=True)
            closing = Closing(exchange, account, lambda: read_books(client, TABLE))
            agreement = closing.play_and_compare(driver.play, crew.kills)
    return Days(agreement, crew.kills, operator.starts, crew.errors, answers)


def repetitions(pct: float, seed: int) -> list[dict[str, object]]:
    """Orders that are carried out twice on the way, while the first answer arrives."""
    rule = {"kind": "duplicate_apply", "method": "POST", "path": "^/api/v4/spot/orders$"}
    return [{**rule, "probability": pct / 100, "seed": seed * 1_000 + 999}]


def _variables(endpoint: str, exchange_url: str) -> dict[str, str]:
    root = project_root()
    return {
        "PATH": os.environ["PATH"],  # noqa: TID251 - a child process needs one to start
        "PYTHONPATH": f"{root / 'layers/trading'}:{root / 'tests'}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "MODE": "live",
        "DEPLOYMENT_ID": "live-days",
        "TABLE_NAME": TABLE,
        "TRADING_PARAMETER": SWITCH,
        "CREDENTIALS_PARAMETER": CREDENTIALS,
        "EXCHANGE_URL": exchange_url,
        "CLOCK": "exchange",
    }


def main() -> int:
    """Live through days, print what came of it; 1 when the books do not agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="a candle file")
    parser.add_argument("start", help="2023-03-09, or with a time")
    parser.add_argument("--days", type=float, default=3)
    parser.add_argument("--faults", type=float, default=5)
    parser.add_argument("--kill", type=float, default=3)
    parser.add_argument("--repeated", type=float, default=1, help="orders carried out twice, %%")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--set", dest="settings", action="append", default=[], help="NAME=VALUE")
    options = parser.parse_args()
    began = time.perf_counter()

    def tell(answer: Answer) -> None:
        if answer.scheduled_ms % (60 * MINUTE_MS) == 0 and answer.job == "evaluate":
            print(
                moment_text(answer.scheduled_ms), f"{time.perf_counter() - began:.0f} s", flush=True
            )

    with tempfile.TemporaryDirectory() as home:
        days = live_through(
            Path(home),
            minutes=int(options.days * 1_440),
            faults_pct=options.faults,
            kill_minutes=options.kill,
            repeated_pct=options.repeated,
            seed=options.seed,
            data=options.data,
            start_ms=moment_ms(options.start, "FROM"),
            settings=dict(one.split("=", 1) for one in options.settings),
            tell=tell,
        )
    for key, number in sorted(days.decisions.items()):
        print(*key, number)
    for error, number in days.errors.most_common(20):
        print(number, error)
    notes = Counter(
        note for answer in days.answers for note in (answer.outcome or {}).get("notes", ())
    )
    for note, number in notes.most_common(10):
        print(number, note)
    for cause, number in days.starts.most_common(10):
        print(number, "times started again after:", cause)
    print(
        f"{len(days.answers)} runs, {len(days.orders)} orders, {days.kills} kills, "
        f"{dict(days.agreement.troubles)}, {time.perf_counter() - began:.0f} s"
    )
    print(days.agreement)
    return bool(days.agreement.disagreements)


if __name__ == "__main__":
    sys.exit(main())
