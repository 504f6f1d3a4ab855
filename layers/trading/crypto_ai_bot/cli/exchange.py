"""cab-exchange: the embedded exchange on the loopback, replayed or made up, at a chosen speed."""

import argparse
import math
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from crypto_ai_bot.local.exchange.candle_file import CandleFileError, Recording, read_recording
from crypto_ai_bot.local.exchange.grounds import Grounds
from crypto_ai_bot.local.exchange.hall import NewKey
from crypto_ai_bot.local.exchange.market import Market, replay_market, synthetic_market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.operator_routes import faults_of
from crypto_ai_bot.local.exchange.pairs import is_pair_id
from crypto_ai_bot.local.exchange.server import LOOPBACK, serving
from crypto_ai_bot.runtime.clock import wall_ms

_WARM_UP_BARS = 500
_PORT_MAX = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT (0); 2 with one line on stderr for what cannot be served.

    Prints one line, `exchange ready URL pairs=… time=… speed=…`, once it can be asked.
    """
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        market = _market(options.data, options.pairs, options.seed)
        start_ms = _start_ms(market, options.start_ms, real_now_ms=wall_ms)
        # A made-up market that starts now stays at the real time, also after the machine has slept.
        follows_now = not options.data and options.start_ms is None
        clock = MarketClock(start_ms, options.speed, wall_ms if follows_now else _monotonic_ms)
        grounds = Grounds(market, clock)
        _furnish(grounds, options.account, options.faults)
        with serving(grounds, host=options.host, port=options.port) as url:
            print(" ".join(["exchange ready", url, *_told(grounds, start_ms)]), flush=True)
            stop.wait()
    except (CandleFileError, _UnusableError) as refusal:
        return _refuse(str(refusal))
    except OSError as error:
        return _refuse(f"cannot listen on {options.host}:{options.port}: {error.strerror or error}")
    return 0


def _furnish(grounds: Grounds, accounts: list[NewKey], faults: Path | None) -> None:
    for new in accounts:
        grounds.hall.make_key(new)
    if faults is None:
        return
    try:
        grounds.line.faults.add(*faults_of(faults.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise _UnusableError(f"--faults: {faults}: {reason}") from None


def _told(grounds: Grounds, start_ms: int) -> list[str]:
    """Return what the exchange says of itself when it is ready."""
    hall, rules = grounds.hall, grounds.line.faults.rules
    return [
        f"pairs={','.join(hall.market.listings)}",
        f"time={_time_text(start_ms)}",
        f"speed={hall.clock.speed:g}",
        *([f"accounts={len(hall.engine.accounts)}"] if hall.engine.accounts else []),
        *([f"faults={len(rules)}"] if rules else []),
    ]


class _UnusableError(ValueError):
    """Options that are well formed and still cannot be served; one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_refuse(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="cab-exchange", description=__doc__)
    parser.add_argument("--host", default=LOOPBACK, help="%(default)s unless you say otherwise")
    parser.add_argument("--port", type=_port, default=8788, help="0 takes a free one (%(default)s)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--pairs", type=_pairs, default=_pairs("BTC_USDT,ETH_USDT"), help="made-up pairs, by comma"
    )
    source.add_argument(
        "--data", action="append", default=[], metavar="[PAIR=]FILE", help="candles, CSV or .csv.gz"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the made-up market (%(default)s)")
    parser.add_argument(
        "--from", dest="start_ms", type=_time_ms, metavar="TIME", help="2023-03-09T00:00:00Z"
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="market seconds a real second; 0 is held"
    )
    parser.add_argument(
        "--account",
        action="append",
        type=_new_key,
        default=[],
        metavar="KEY:SECRET:USDT=10000[,GT=5]",
        help="a key and what its account holds; again for another",
    )
    parser.add_argument("--faults", type=Path, metavar="FILE", help="fault rules, a JSON list")
    return parser


def _market(data: list[str], pairs: tuple[str, ...], seed: int) -> Market:
    if not data:
        return synthetic_market(pairs, seed)
    recordings = [_recording(text) for text in data]
    seen: set[str] = set()
    for recording in recordings:
        if recording.pair_id in seen:
            raise _UnusableError(f"--data: {recording.pair_id} twice; one file a pair")
        seen.add(recording.pair_id)
    market = replay_market(recordings)
    end_ms = market.end_ms
    if end_ms is None or market.first_ms >= end_ms:
        raise _UnusableError("--data: the files have no time in common; each pair needs a price")
    return market


def _recording(text: str) -> Recording:
    """Read FILE or PAIR=FILE."""
    pair_id, sign, path = text.partition("=")
    return (
        read_recording(Path(path), pair_id)
        if sign and is_pair_id(pair_id)
        else read_recording(Path(text))
    )


def _start_ms(market: Market, wanted_ms: int | None, real_now_ms: Callable[[], int]) -> int:
    """Return the start of the market's time, within its data.

    Without a wish: the real time for a made-up market; for a replay, late enough after the first
    common candle that a strategy finds bars to warm up on.
    """
    first_ms, end_ms = market.first_ms, market.end_ms
    if wanted_ms is None:
        if end_ms is None:
            return real_now_ms()
        step_ms = max(x.timeline.source.step_ms for x in market.listings.values())
        return min(first_ms + _WARM_UP_BARS * step_ms, end_ms - step_ms)
    if not first_ms <= wanted_ms < (end_ms or math.inf):
        until = f"before {_time_text(end_ms)}" if end_ms else "on"
        raise _UnusableError(
            f"--from {_time_text(wanted_ms)}: outside the data; "
            f"allowed is from {_time_text(first_ms)} {until}"
        )
    return wanted_ms


def _monotonic_ms() -> float:
    return time.monotonic() * 1000


def _pairs(text: str) -> tuple[str, ...]:
    pairs = tuple(dict.fromkeys(text.split(",")))
    for pair in pairs:
        if not is_pair_id(pair):
            raise argparse.ArgumentTypeError(
                f"no pair: {pair!r}; allowed is BASE_USDT or BASE_USDC in capitals, by comma"
            )
    return pairs


def _new_key(text: str) -> NewKey:
    """Parse KEY:SECRET:CURRENCY=AMOUNT,…; what is refused is not repeated, for it has a secret."""
    key, _, rest = text.partition(":")
    secret, _, holdings = rest.partition(":")
    pieces = [piece.partition("=") for piece in holdings.split(",") if piece]
    try:
        balances = {name: Decimal(amount) for name, _, amount in pieces}
    except InvalidOperation:
        balances = {}
    sound = all(name.isalnum() and amount > 0 for name, amount in balances.items())
    if not (key and secret and balances and sound):
        raise argparse.ArgumentTypeError("no account; allowed is KEY:SECRET:USDT=10000[,GT=5]")
    return NewKey(key, secret, balances)


def _time_ms(text: str) -> int:
    """Parse RFC 3339, offset included."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None or not re.match(r"\d{4}-\d\d-\d\d[Tt ]", text):
        raise argparse.ArgumentTypeError(
            f"no time: {text!r}; allowed is RFC 3339 such as 2023-03-09T00:00:00Z"
        )
    return math.floor(parsed.timestamp() * 1000)


def _time_text(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 <= speed < math.inf:
        raise argparse.ArgumentTypeError(f"no speed: {text!r}; allowed is a number of 0 or more")
    return speed


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _PORT_MAX):
        raise argparse.ArgumentTypeError(f"no port: {text!r}; allowed is 0 … {_PORT_MAX}")
    return int(text)


def _refuse(message: str) -> int:
    print(f"cab-exchange: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
