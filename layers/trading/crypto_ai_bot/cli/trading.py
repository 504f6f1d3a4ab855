"""`make on|exits-only|off|status STACK=…`: what a deployed stack may trade, set and shown.

The more careful of two words counts: the table's, which every order's transaction checks, and the
parameter's. So both are set, the table's first, for that one counts at once.
"""

from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from crypto_ai_bot.cli.command import FAILED, parser_of, print_report, run
from crypto_ai_bot.cli.deployment import Deployment
from crypto_ai_bot.domain.errors import ParameterUnavailable
from crypto_ai_bot.domain.trading_state import TradingState, more_careful
from crypto_ai_bot.runtime import views
from crypto_ai_bot.runtime.aws import ssm_client
from crypto_ai_bot.runtime.books import Books
from crypto_ai_bot.runtime.clock import SystemClock, wall_ms
from crypto_ai_bot.usecases.control import set_trading_state

_STATES: Final = {
    "on": TradingState.ON,
    "exits-only": TradingState.EXITS_ONLY,
    "off": TradingState.OFF,
}


def main() -> None:
    """Entry point."""
    run(_trading)


def _trading() -> int:
    parser = parser_of("Shows or sets what a deployed stack may trade.")
    parser.add_argument("action", choices=[*_STATES, "status"], help="off leaves positions bare")
    parser.add_argument("--stack", required=True, help="the stack's name")
    parser.add_argument("--reason", default="by command", help="told to the operator")
    options = parser.parse_args()
    deployment = Deployment.find(options.stack)
    books = Books(deployment.settings)
    trouble = ""
    if state := _STATES.get(options.action):
        trouble = _set(books, deployment.settings.trading_parameter, state, options.reason)
    report = _report(deployment, books)
    lines = _lines(report)
    if trouble:
        lines.append(trouble)
    print_report({**report, "trouble": trouble}, as_json=options.json, lines=lines)
    wanted = state is None or report["trading_state"] == str(state)
    return 0 if wanted and not trouble else FAILED


def _set(books: Books, parameter: str, state: TradingState, reason: str) -> str:
    """Sets both words; what went wrong with the second, "" when nothing did.

    Raises StoreUnavailable when the table did not take the first: then nothing was set.
    """
    set_trading_state(books.store, SystemClock(lambda: 0), state, reason, "command")
    try:
        ssm_client().put_parameter(Name=parameter, Value=state.value, Overwrite=True)
    except (ClientError, BotoCoreError) as error:
        return f"the table says {state}, but the parameter {parameter} was not set: {error}"
    return ""


def _report(deployment: Deployment, books: Books) -> dict[str, Any]:
    glance, now_ms = books.store.glance(), wall_ms()
    try:
        asked, parameter = books.switch.read(), ""
    except ParameterUnavailable as error:
        asked, parameter = TradingState.EXITS_ONLY, str(error)
    state = more_careful(asked, glance.control.state)
    shown = views.status(glance, state, parameter or str(asked), now_ms, deployment.settings.mode)
    return {"stack": deployment.stack, **shown, "health": views.health(glance.health, now_ms)}


def _lines(report: dict[str, Any]) -> list[str]:
    control = report["control"]
    lines = [
        f"{report['stack']}: {report['mode']}, trading {report['trading_state']}",
        f"  parameter  {report['parameter']}",
        f"  table      {control['state']} by {control['changed_by']}: {control['reason']}",
        f"  health     {report['health']['status']}",
    ]
    for job, beat in report["jobs"].items():
        lines.append(f"  {job:<10} {beat['seconds_ago']} s ago, {'ok' if beat['ok'] else 'not ok'}")
    for symbol, one in report["symbols"].items():
        held = one["position"]["base"] if one["position"] else "nothing"
        halt = f", halted: {one['halt']}" if one["halt"] else ""
        lines.append(f"  {symbol:<10} {held} held{halt}")
    return lines


if __name__ == "__main__":
    main()
