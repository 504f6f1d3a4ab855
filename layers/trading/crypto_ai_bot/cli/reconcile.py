"""`cab-reconcile`: books beside the exchange; settles an order or lifts a halt, with evidence."""

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, read_env_file_of, run
from crypto_ai_bot.cli.table_text import table_text
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

_TIME_MS: Final = 120_000
_THE_LISTINGS: Final = "exchange: its orders"
# What a line of evidence begins with: what it rests on, and what a person can do.
_RESTS_ON: Final[Mapping[str, tuple[str, str]]] = {
    "balance": ("exchange: balance", ""),
    "journal": ("books: journal", "settle it with cab-reconcile resolve"),
    "halted": ("books: ledger", "once it agrees, cab-reconcile release {symbol} --reason"),
}


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
    empty = not desk.store.glance().ledgers
    agrees = all(one.agrees for one in found)
    report = {"agrees": agrees, "empty": empty, "symbols": [one.as_json() for one in found]}
    lines = _table(found)
    if empty and agrees:
        lines = ["the books are empty, no job ever ran on this table: there is nothing to compare"]
    print_report(report, as_json=options.json, lines=lines)
    return 0 if agrees and not empty else FAILED


def _table(found: Sequence[Comparison]) -> list[str]:
    """The amounts, a row a symbol; and under them a row for each difference, if there is one."""
    head = ("symbol", "ledger", "not ours", "exchange", "")
    rows = [
        (
            str(one.symbol),
            plain(one.ledger_base),
            "-" if one.foreign_base is None else plain(one.foreign_base),
            plain(one.exchange_base),
            "agrees" if one.agrees else "LOOK",
        )
        for one in found
    ]
    lines = table_text(head, rows, right=head[1:-1])
    differences = [_difference(one.symbol, line) for one in found for line in one.evidence]
    if not differences:
        return lines
    return [*lines, "", *table_text(("symbol", "rests on", "what was found"), differences)]


def _difference(symbol: Symbol, line: str) -> tuple[str, str, str]:
    """A line of evidence by what it rests on, and what a person can do about it."""
    kind, colon, found = line.partition(": ")
    if not colon or kind not in _RESTS_ON:
        return str(symbol), _THE_LISTINGS, line
    rests_on, action = _RESTS_ON[kind]
    advice = f"; {action.format(symbol=symbol)}" if action else ""
    return str(symbol), rests_on, f"{found}{advice}"


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
