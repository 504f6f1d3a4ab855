"""make run: the whole system on this machine, deployed to an embedded cloud and rehearsed."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.plan import Wish
from crypto_ai_bot.local.report import Report
from crypto_ai_bot.local.stage import deploy_and_end, rehearse
from crypto_ai_bot.local.tables import tables_of


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all went well, 1 when a run failed or books differ, 2 for what cannot be done.

    With trouble on purpose runs do fail, and the books alone decide.
    """
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    say = _printer(sys.stderr if options.json else sys.stdout)
    report = Report()
    found: dict[str, Any] = {}
    try:
        if options.deploy_only:
            found = deploy_and_end(_wish(options), say)
        else:
            rehearse(_wish(options), report, say)
    except RehearsalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("stopped before its end")
    if options.json:
        print(json.dumps(found or report.as_json(), indent=1))
    elif report.ticks:
        say(tables_of(report))
    return 1 if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--ticks", default="", help="minutes to play, without waiting for them")
    parser.add_argument("--data", action="append", default=[], help="[PAIR=]candle file to replay")
    parser.add_argument("--from", dest="start", default="", help="2023-03-09, or with a time")
    parser.add_argument("--speed", default="", help="market seconds a real second, or max")
    parser.add_argument(
        "--faults", default="", help="per cent of the exchange's calls spoilt (live)"
    )
    parser.add_argument("--kill", default="", help="minutes from a killed function to the next")
    parser.add_argument("--seed", default="", help="of faults and kills")
    parser.add_argument("--exchange", default="", help="embedded, or gate for its real prices")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], type=_setting, metavar="NAME=VALUE"
    )
    parser.add_argument("--deploy-only", action="store_true", help="end when the stack stands")
    parser.add_argument("--json", action="store_true", help="the report as JSON on stdout")
    return parser


def _wish(options: argparse.Namespace) -> Wish:
    return Wish(
        ticks=options.ticks,
        data=tuple(options.data),
        start=options.start,
        speed=options.speed,
        exchange=options.exchange,
        faults=options.faults,
        kill=options.kill,
        seed=options.seed,
        settings=dict(options.settings),
    )


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text}: must be NAME=VALUE")
    return name, value


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _printer(stream: Any) -> Callable[[str], None]:
    return lambda text: print(text, file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
