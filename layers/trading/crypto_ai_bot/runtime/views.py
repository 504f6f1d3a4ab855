"""What the API shows: pure functions of the books and the time."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.domain.job import Health
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import HOUR_MS, MINUTE_MS
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Glance

WATCHDOG_SILENT_AFTER_MS: Final = 3 * MINUTE_MS

OK: Final = "ok"
FAILING: Final = "failing"


def health(found: Health | None, now_ms: int) -> dict[str, Any]:
    """The watchdog's finding; failing when the watchdog itself is silent."""
    if found is None:
        return {"status": FAILING, "checks": {"watchdog": "never ran"}}
    age_ms = now_ms - found.checked_ms
    checks = dict(found.checks)
    if age_ms <= WATCHDOG_SILENT_AFTER_MS:
        return {"status": found.status, "checks": checks, "checked_ms": found.checked_ms}
    checks["watchdog"] = f"last completed {age_ms // 1000} s ago"
    return {"status": FAILING, "checks": checks, "checked_ms": found.checked_ms}


def pnl_today(glance: Glance, now_ms: int) -> dict[str, Any]:
    """The UTC day's realised result, fees in it, and what is held, at cost."""
    account = glance.account.at(now_ms)
    return {
        "day_ms": account.day_ms,
        "realised_quote": plain(account.realised_quote),
        "fills": account.fills,
        "free_quote": _plain(account.free_quote),
        "exposure_quote": plain(account.exposure_quote),
        "positions": {
            str(symbol): _position(ledger)
            for symbol, ledger in sorted(glance.ledgers.items())
            if ledger.position.base
        },
    }


def status(
    glance: Glance, state: TradingState, parameter: str, now_ms: int, mode: str
) -> dict[str, Any]:
    """Whether it trades, who said so, and how each job last fared."""
    control = glance.control
    return {
        "mode": mode,
        "trading_state": str(state),
        "parameter": parameter,
        "control": {
            "state": str(control.state),
            "reason": control.reason,
            "changed_by": control.changed_by,
            "changed_ms": control.changed_ms,
        },
        "jobs": {
            str(job): {
                "scheduled_ms": beat.scheduled_ms,
                "completed_ms": beat.completed_ms,
                "seconds_ago": (now_ms - beat.completed_ms) // 1000,
                "ok": beat.ok,
                "symbols": dict(beat.summary),
            }
            for job, beat in sorted(glance.heartbeats.items())
        },
        "symbols": {str(s): _symbol(ledger) for s, ledger in sorted(glance.ledgers.items())},
    }


def _symbol(ledger: Ledger) -> dict[str, Any]:
    return {
        "position": _position(ledger) if ledger.position.base else None,
        "pending": ledger.pending.client_order_id if ledger.pending else None,
        "halt": ledger.halt.reason if ledger.halt else None,
    }


def _position(ledger: Ledger) -> dict[str, Any]:
    guard = ledger.guard
    return {
        "base": plain(ledger.position.base),
        "cost_quote": plain(ledger.position.cost_quote),
        "average_price": plain(ledger.position.average_price),
        "stop_price": f"{guard.stop_price:.8g}" if guard else None,
    }


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


_HELP: Final[Mapping[str, str]] = {
    "cab_trading_state": "1 for the state in force (label state)",
    "cab_healthy": "1 when the watchdog found nothing wrong and is not silent itself",
    "cab_heartbeat_age_seconds": "Seconds since a job last completed a run",
    "cab_heartbeat_ok": "1 when that run judged everything",
    "cab_realised_today_quote": "Result of the UTC day in quote, fees in it",
    "cab_fills_today": "Fills of the UTC day",
    "cab_free_quote": "Free quote as last read",
    "cab_exposure_quote": "Cost of what is held and what pending buys may spend, in quote",
    "cab_orders_last_hour": "Orders journaled within the last sixty minutes",
    "cab_position_base": "Base held",
    "cab_position_cost_quote": "What the base held has cost, in quote",
    "cab_stop_price": "Where the highest stop of a position stands",
    "cab_order_pending": "1 while an order is not settled",
    "cab_halted": "1 when a symbol waits for a person",
}


def metrics(glance: Glance, state: TradingState, now_ms: int) -> str:
    """Prometheus text format 0.0.4: gauges only, read off the table at the time of asking."""
    lines: list[str] = []
    told: set[str] = set()
    for name, labels, value in _samples(glance, state, now_ms):
        if name not in told:
            told.add(name)
            lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
        written = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{written}}} {value}" if written else f"{name} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


type Sample = tuple[str, dict[str, str], str]


def _samples(glance: Glance, state: TradingState, now_ms: int) -> Iterator[Sample]:
    for each in TradingState:
        yield "cab_trading_state", {"state": str(each)}, str(int(each is state))
    healthy = health(glance.health, now_ms)["status"] == OK
    yield "cab_healthy", {}, str(int(healthy))
    for job, beat in sorted(glance.heartbeats.items()):
        age_seconds = (now_ms - beat.completed_ms) / 1000
        yield "cab_heartbeat_age_seconds", {"job": str(job)}, f"{age_seconds:.3f}"
    for job, beat in sorted(glance.heartbeats.items()):
        yield "cab_heartbeat_ok", {"job": str(job)}, str(int(beat.ok))
    account = glance.account.at(now_ms)
    yield "cab_realised_today_quote", {}, plain(account.realised_quote)
    yield "cab_fills_today", {}, str(account.fills)
    if account.free_quote is not None:
        yield "cab_free_quote", {}, plain(account.free_quote)
    yield "cab_exposure_quote", {}, plain(account.exposure_quote)
    recent = sum(1 for at_ms in account.order_times_ms if at_ms > now_ms - HOUR_MS)
    yield "cab_orders_last_hour", {}, str(recent)
    yield from _ledger_samples(glance)


def _ledger_samples(glance: Glance) -> Iterator[Sample]:
    ledgers = [(str(symbol), ledger) for symbol, ledger in sorted(glance.ledgers.items())]
    for symbol, ledger in ledgers:
        yield "cab_position_base", {"symbol": symbol}, plain(ledger.position.base)
    for symbol, ledger in ledgers:
        yield "cab_position_cost_quote", {"symbol": symbol}, plain(ledger.position.cost_quote)
    for symbol, ledger in ledgers:
        if ledger.guard:
            yield "cab_stop_price", {"symbol": symbol}, f"{ledger.guard.stop_price:.8g}"
    for symbol, ledger in ledgers:
        yield "cab_order_pending", {"symbol": symbol}, str(int(ledger.pending is not None))
    for symbol, ledger in ledgers:
        yield "cab_halted", {"symbol": symbol}, str(int(ledger.halt is not None))
