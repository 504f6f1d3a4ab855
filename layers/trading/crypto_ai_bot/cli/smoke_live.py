"""What cab-smoke asks before real money moves: the key, the account, who else is there."""

from collections.abc import Sequence
from functools import partial

from crypto_ai_bot.brokers.gate_account import AccountDetail
from crypto_ai_bot.brokers.gate_broker import GateBroker
from crypto_ai_bot.cli.finding import Check, Unfit
from crypto_ai_bot.domain.market import DAY_MS, Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.runtime.settings import Settings
from crypto_ai_bot.usecases.desk import Desk, trading_state
from crypto_ai_bot.usecases.first_order import first_order
from crypto_ai_bot.usecases.watchdog import KEY_LIFE_DAYS, key_age


def live_checks(settings: Settings, desk: Desk) -> Sequence[Check]:
    """The checks of MODE=live, in the order in which a fault of one explains the next; none else.

    The clock is asked first by the other checks. Nothing here writes, and nothing is ordered.
    """
    broker = desk.broker
    if not isinstance(broker, GateBroker):
        return ()
    checks: list[Check] = [
        ("key", partial(_key, broker, settings), "see what is named; keys are made at Gate"),
        ("key age", partial(_key_age, broker, desk), "make a new key or give it an IP list"),
        ("account", partial(_balance, desk, settings), "deposit, or lower FIXED_AMOUNT"),
        ("lock", partial(_lock, desk), "stop the deployment that is named, or use another key"),
        (
            "trading",
            partial(_trading, desk),
            "start it: the parameter, or POST /orchestrator/start",
        ),
    ]
    checks += [
        (f"order {symbol.base}", partial(_first_order, desk, symbol), "see the reasons")
        for symbol in settings.symbols
    ]
    return checks


def _key(broker: GateBroker, settings: Settings) -> str:
    detail = broker.fetch_account_detail()
    if detail.unified != settings.unified_account:
        kind = "unified" if detail.unified else "classic"
        raise Unfit(f"the account is {kind}", f"set UNIFIED_ACCOUNT={int(detail.unified)}")
    pairs = [f"{symbol.base}_{symbol.quote}" for symbol in settings.symbols]
    closed = [pair for pair in pairs if detail.pairs and pair not in detail.pairs]
    if closed:
        raise Unfit(f"the key may not trade {', '.join(closed)}", "add the pairs to it at Gate")
    return _permissions(detail)


def _permissions(detail: AccountDetail) -> str:
    """Trade, and nothing that moves money out; unknown where Gate does not show it."""
    if detail.permissions is None:
        return (
            "Gate does not show its permissions to it: see that it has spot trading and no "
            "withdrawal"
        )
    if not detail.permissions.get("spot"):
        raise Unfit("the key may not trade spot", "give it spot trading at Gate")
    writes = sorted(name for name, may_write in detail.permissions.items() if may_write)
    if drains := [name for name in writes if "withdraw" in name.lower()]:
        raise Unfit(f"the key may {', '.join(drains)}", "take that from it: trading needs none")
    spare = [name for name in writes if name != "spot"]
    more = f"; {', '.join(spare)} too, which trading does not need" if spare else ""
    return f"may trade spot, no withdrawal{more}"


def _key_age(broker: GateBroker, desk: Desk) -> str:
    detail = broker.fetch_account_detail()
    if detail.ip_whitelist:
        return f"{len(detail.ip_whitelist)} addresses on its IP list: it does not end by itself"
    now_ms = desk.clock.now_ms()
    created_ms = detail.created_ms or desk.policy.key_created_ms
    if not created_ms:
        raise Unfit(
            f"no IP list: Gate ends the key after {KEY_LIFE_DAYS} days, and its age is not known",
            "give it an IP list, or set API_KEY_CREATED to the day on which it was made",
        )
    if old := key_age(created_ms, now_ms):
        raise Unfit(old)
    days = (now_ms - created_ms) // DAY_MS
    told = "" if desk.policy.key_created_ms else "; set API_KEY_CREATED to be warned in time"
    return f"no IP list, {days} of {KEY_LIFE_DAYS} days old{told}"


def _balance(desk: Desk, settings: Settings) -> str:
    first = settings.symbols[0]
    free = desk.broker.fetch_balance(first).free_quote
    shown = f"{plain(free)} {first.quote} free, {plain(settings.fixed_amount)} an entry"
    if free < settings.fixed_amount:
        raise Unfit(shown)
    return shown


def _lock(desk: Desk) -> str:
    """Who may trade with this key; reads the lock and does not take it."""
    if desk.instance is None:
        raise Unfit("no instance lock")
    lock = desk.instance.locks.instance_lock(desk.instance.fingerprint)
    now_ms, us = desk.clock.now_ms(), desk.instance.owner
    if not lock.free_for(us, now_ms):
        left_seconds = (lock.expires_ms - now_ms) // 1_000
        raise Unfit(f"held by {lock.owner} for {left_seconds} s more, this would be {us}")
    return f"key {lock.fingerprint}: {'held by us' if lock.owner == us else 'free'}, as {us}"


def _trading(desk: Desk) -> str:
    control = desk.store.glance().control
    state, notes = trading_state(desk, control)
    if not state.entries_open:
        why = "; ".join(notes) or f"the table: {control.state}, {control.reason}"
        raise Unfit(f"trading is {state}: no entry is made ({why})")
    return f"trading is {state}"


def _first_order(desk: Desk, symbol: Symbol) -> str:
    order = first_order(desk, symbol)
    if not order.verdict.ok:
        raise Unfit(f"{order}: refused", "; ".join(order.verdict.reasons))
    return f"{order}; not placed"
