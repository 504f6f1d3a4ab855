"""`cab-verify-exchange`: what Gate's documents leave open, answered by the smallest orders.

Meant for the testnet with the user's own keys (SANDBOX=1). Nothing is left behind: own orders are
cancelled, and what was bought is sold again as far as the pair's minimum allows.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, read_env_file_of, run
from crypto_ai_bot.cli.verification.findings import Answered, Left, Unanswered, unanswered
from crypto_ai_bot.cli.verification.hand import Hand, hand_of
from crypto_ai_bot.cli.verification.listing_points import lags, sizes
from crypto_ai_bot.cli.verification.order_points import closed_pair, expiry, names, statuses
from crypto_ai_bot.cli.verification.price_order_points import (
    at_market,
    countdown,
    fired_text,
    reserves,
)
from crypto_ai_bot.cli.verification.recorder import Recorder
from crypto_ai_bot.domain.errors import BadSetting, ExchangeUnavailable, StoreUnavailable
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.runtime.wiring import open_workplace
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.instance import hold, let_go

_TIME_MS: Final = 3_600_000
_WAIT_SECONDS: Final = 30

type Point = Callable[[Hand], Iterator[Answered]]

POINTS: Final[Mapping[str, tuple[str, Point]]] = {
    "1": ("what refuses a request whose x-gate-exptime has passed", expiry),
    "2": ("does countdown_cancel_all touch price orders", countdown),
    "3": ("does a price order reserve funds", reserves),
    "3b": ("which text does a fired order carry", fired_text),
    "4": ("does put.type=market work on price orders", at_market),
    "5": ("the HTTP status of each label", statuses),
    "6": ("how much listings lag", lags),
    "7": ("is a text that was used before accepted", names),
    "8": ("how large are the lists of currencies and pairs", sizes),
    "9": ("what refuses a trade that trade_status forbids", closed_pair),
}


@dataclass(frozen=True, slots=True)
class Verified:
    """What a run found, and what it could not take back."""

    exchange: str
    symbol: Symbol
    answers: tuple[Answered, ...]
    left: Left

    @property
    def setting(self) -> str:
        """What the answers mean for how this program may be set."""
        expiry_proved = next((one.proved for one in self.answers if one.point == "1"), None)
        return _EXPIRY[expiry_proved]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "exchange": self.exchange,
            "symbol": str(self.symbol),
            "answers": [one.as_json() for one in self.answers],
            "setting": self.setting,
            "left": {"orders": list(self.left.orders), "dust": self.left.dust},
        }


_EXPIRY: Final = {
    True: "x-gate-exptime is honoured here: an order that got no answer can be given up after its "
    "seconds, if EXPIRY_PROVEN=1 says so; else the program waits for the signature's 60 s",
    False: "x-gate-exptime is NOT to be relied on: an order may arrive for as long as its "
    "signature is good (60 s), which is what the program waits for",
    None: "x-gate-exptime is not proved: the program waits for the signature's 60 s",
}


def main() -> None:
    """Entry point."""
    run(_verify_exchange)


def _verify_exchange() -> int:
    options = _parser().parse_args()
    read_env_file_of(options.env_file)
    settings = Settings.from_environment()
    exchange = exchange_of(settings, real_money=options.real_money)
    place = open_workplace(settings, lambda _secrets: None)
    if place.client is None:
        raise BadSetting("PRICE_FEED=fixed: must be live to ask the exchange")
    desk = place.desk(lambda: _TIME_MS)
    return act(options, settings, exchange, desk, place.client)


def _parser() -> ArgumentParser:
    parser = parser_of(
        "Answers what Gate's documents leave open, by the smallest orders. Leaves nothing behind."
    )
    parser.add_argument("--symbol", default="", help="BASE/QUOTE to trade (default: the first set)")
    parser.add_argument(
        "--points",
        default=",".join(POINTS),
        help="which to answer, by comma (default: all, %(default)s)",
    )
    parser.add_argument(
        "--wait",
        type=int,
        default=_WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for a listing or a price that moves (%(default)s)",
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FOLDER",
        help="write requests and answers there, a point a file",
    )
    parser.add_argument(
        "--no-table",
        action="store_true",
        help="there is no table to look at: you know that nothing trades with this key",
    )
    parser.add_argument(
        "--real-money",
        action="store_true",
        help="allow it where neither SANDBOX nor EXCHANGE_URL is set",
    )
    return parser


def exchange_of(settings: Settings, *, real_money: bool) -> str:
    """Which exchange will be asked. Raises BadSetting for the one that was not meant."""
    if settings.mode != "live":
        raise BadSetting(
            "MODE=paper: must be live, with SANDBOX=1 and keys of the testnet, or with EXCHANGE_URL"
        )
    if settings.embedded_exchange:
        return "embedded"
    if settings.sandbox and not settings.exchange_url:
        return "testnet"
    if not real_money:
        where = "EXCHANGE_URL is not on this machine" if settings.exchange_url else "SANDBOX=0"
        raise BadSetting(
            f"{where}: this places orders; set SANDBOX=1 alone for the testnet, or give "
            "--real-money if you mean it"
        )
    return "mainnet"


def act(
    options: Namespace, settings: Settings, exchange: str, desk: Desk, client: CcxtClient
) -> int:
    """Answers the points, prints the table, writes the fixtures; the exit code.

    1 when a point is not established or an order is left behind.
    """
    points = _points(options.points)
    symbol = _symbol(options.symbol, settings)
    recorder = Recorder(client, desk.clock)
    with alone(desk, symbol, settings.deployment_id, no_table=options.no_table) as stay_alone:
        try:
            recorder.read_time()
            hand = hand_of(
                recorder, symbol, unified=settings.unified_account, wait_ms=options.wait * 1_000
            )
            found = Verified(exchange, symbol, *verify(hand, points, stay_alone))
        finally:
            if options.record:
                write_fixtures(options.record, exchange, recorder.fixtures)
    print_report(found.as_json(), as_json=options.json, lines=_table(found))
    return 0 if all(one.established for one in found.answers) and not found.left.orders else FAILED


@contextmanager
def alone(
    desk: Desk, symbol: Symbol, deployment_id: str, *, no_table: bool
) -> Iterator[Callable[[], None]]:
    """Keeps every deployment off the account meanwhile; what is given renews that.

    Raises AnotherDeployment when one trades with this key, BadSetting when the books of this one
    have an order or a position on `symbol`, or cannot be read.
    """
    if no_table or desk.instance is None:
        yield lambda: None
        return
    instance = replace(desk.instance, owner=f"cab-verify-exchange of {deployment_id}")
    try:
        hold(instance, desk.clock)
        ledger = desk.store.glance().ledgers.get(symbol)
    except StoreUnavailable as error:
        raise BadSetting(
            f"{error}: give TABLE_NAME, or --no-table if nothing trades with this key"
        ) from None
    try:
        if ledger and (ledger.pending or ledger.guard):
            raise BadSetting(
                f"--symbol: the books hold {plain(ledger.position.base)} {symbol.base} or have an "
                "order under way; choose a pair that this deployment does not trade"
            )
        yield lambda: hold(instance, desk.clock)
    finally:
        let_go(instance, desk.clock)


def verify(
    hand: Hand, points: Sequence[str], stay_alone: Callable[[], None]
) -> tuple[tuple[Answered, ...], Left]:
    """The answers, and what could not be taken back.

    However it ends, what was made is taken back first; then what is left is told on stderr.
    """
    hand.begin()
    answers: list[Answered] = []
    try:
        for point in points:
            stay_alone()
            answers += _answered(hand, point)
    except BaseException:
        print("\n".join(_told(hand.clean_up())), file=sys.stderr)
        raise
    hand.recorder.point = "0"
    return tuple(answers), hand.clean_up()


def _answered(hand: Hand, name: str) -> Iterator[Answered]:
    question, point = POINTS[name]
    hand.recorder.point = name
    try:
        yield from point(hand)
    except (Unanswered, ExchangeUnavailable) as why:
        yield unanswered(name, question, str(why))
    with suppress(ExchangeUnavailable):  # the cleaning up at the end looks again
        hand.tidy()


def _points(text: str) -> tuple[str, ...]:
    points = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if unknown := [point for point in points if point not in POINTS]:
        raise BadSetting(f"--points: there is no {unknown[0]!r}; allowed are {', '.join(POINTS)}")
    return points


def _symbol(text: str, settings: Settings) -> Symbol:
    try:
        return Symbol.parse(text) if text else settings.symbols[0]
    except ValueError as error:
        raise BadSetting(f"--symbol: {error}") from None


def write_fixtures(folder: Path, exchange: str, fixtures: Mapping[str, Any]) -> None:
    """One file a point: its question, and each request with its answer.

    Raises BadSetting when the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for point, requests in fixtures.items():
            question = POINTS[point][0] if point in POINTS else "before and after the points"
            told = {"exchange": exchange, "point": point, "question": question}
            text = json.dumps({**told, "requests": requests}, indent=1, default=str)
            (folder / f"point-{point}.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BadSetting(f"--record: {folder}: {error.strerror}") from None


def _table(found: Verified) -> list[str]:
    """A line a question and its answer under it, then what it means and what is left."""
    lines = [f"{found.exchange}, {found.symbol}"]
    for one in found.answers:
        lines += [f"{one.point:<4}{one.question}", f"{'':4}-> {one.answer}"]
        lines += [f"{'':7}{line}" for line in one.evidence]
    return [*lines, "", found.setting, *_told(found.left)]


def _told(left: Left) -> list[str]:
    lines = [f"LEFT BEHIND: {line}" for line in left.orders]
    lines += [f"left: {left.dust}, less than an order may carry"] if left.dust else []
    return lines or ["nothing is left behind"]


if __name__ == "__main__":
    main()
