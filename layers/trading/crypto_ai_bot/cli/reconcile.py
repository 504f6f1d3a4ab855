"""`cab-reconcile`: books beside the exchange; settles an order or lifts a halt, with evidence."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, read_env_file_of, run
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.runtime.wiring import open_workplace
from crypto_ai_bot.usecases.by_hand import (
    Comparison,
    NotDone,
    compare,
    release,
    resolve_by_hand,
)
from crypto_ai_bot.usecases.desk import Desk

_TIME_MS = 120_000


def main() -> None:
    """Entry point."""
    run(_reconcile)


def _reconcile() -> int:
    options = _parser().parse_args()
    read_env_file_of(options.env_file)
    place = open_workplace(Settings.from_environment(), lambda _secrets: None)
    return act(options, place.desk(lambda: _TIME_MS))


def _parser() -> ArgumentParser:
    parser = parser_of("Shows where books and exchange differ. Exit code 0 when they agree.")
    actions = parser.add_subparsers(dest="action", metavar="resolve|release")
    settle = actions.add_parser("resolve", help="settle one order by what the exchange shows")
    settle.add_argument("client_order_id")
    settle.add_argument(
        "--absent",
        action="store_true",
        help="close it as never placed if no listing shows it; needs --because",
    )
    settle.add_argument("--because", default="", help="why the balance has moved since")
    lift = actions.add_parser("release", help="lift a halt once books and balance agree")
    lift.add_argument("symbol", help="BASE/QUOTE")
    lift.add_argument("--reason", required=True, help="what you found; told to the operator")
    for action in (settle, lift):
        action.add_argument("--json", action="store_true", default=SUPPRESS, help="as above")
    return parser


def act(options: Namespace, desk: Desk) -> int:
    """Does what the options ask for; the exit code."""
    match options.action:
        case "resolve":
            return _resolve(options, desk)
        case "release":
            return _release(options, desk)
        case _:
            return _show(options, desk)


def _show(options: Namespace, desk: Desk) -> int:
    found = compare(desk)
    report = {
        "agrees": all(one.agrees for one in found),
        "symbols": [one.as_json() for one in found],
    }
    print_report(report, as_json=options.json, lines=_table(found))
    return 0 if report["agrees"] else FAILED


def _table(found: Sequence[Comparison]) -> list[str]:
    """A row a symbol, and under it a line for each thing that differs."""
    lines = [f"{'symbol':<14}{'ledger':>20}{'not ours':>20}{'exchange':>20}  state"]
    for one in found:
        foreign = "-" if one.foreign_base is None else plain(one.foreign_base)
        amounts = (plain(one.ledger_base), foreign, plain(one.exchange_base))
        columns = "".join(f"{amount:>20}" for amount in amounts)
        lines.append(f"{one.symbol!s:<14}{columns}  {'agrees' if one.agrees else 'LOOK'}")
        lines += [f"    {line}" for line in one.evidence]
    return lines


def _resolve(options: Namespace, desk: Desk) -> int:
    if options.absent != bool(options.because.strip()):
        raise BadSetting('--absent and --because "…" go together: why has the balance moved?')
    because = options.because.strip()
    placed = resolve_by_hand(desk, options.client_order_id, _run_id(), because)
    if isinstance(placed, NotDone):
        return _told(options, placed.reason, done=False)
    order = placed.order
    return _told(options, f"{order.client_order_id} is {order.state}: {order.resolution}")


def _release(options: Namespace, desk: Desk) -> int:
    try:
        symbol = Symbol.parse(options.symbol)
    except ValueError as error:
        raise BadSetting(str(error)) from None
    if not options.reason.strip():
        raise BadSetting("--reason: must say what you found")
    lifted = release(desk, symbol, options.reason.strip(), _run_id())
    if isinstance(lifted, NotDone):
        return _told(options, lifted.reason, done=False)
    return _told(options, f"{symbol} is released")


def _told(options: Namespace, line: str, *, done: bool = True) -> int:
    report: dict[str, Any] = {"done": done, "reason": line}
    print_report(report, as_json=options.json, lines=[line])
    return 0 if done else FAILED


def _run_id() -> str:
    """The owner of the lease, so that a person's work shows in the books as such."""
    return f"cab-reconcile {uuid4()}"


if __name__ == "__main__":
    main()
