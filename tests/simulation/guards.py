"""The guards of the order path, as the text that makes each of them and what is left without it.

Each is removed in a process of its own, by compiling the changed source (`killed`); nothing on disk
is touched. A test holds that each text stands exactly once in the source, so no row goes stale.
Guards that a simulation cannot notice are not here: docs/guards.md says which, and why.
"""

from typing import Final, NamedTuple


class Change(NamedTuple):
    """In `module` (a file of the package), `before` becomes `after`."""

    module: str
    before: str
    after: str


class Guard(NamedTuple):
    """A guard by its name. Two lines of one defence are removed together.

    What takes a rare company of troubles is looked for `among` the days that have them, and longer.
    """

    name: str
    changes: tuple[Change, ...]
    among: frozenset[str] = frozenset()


def _guard(name: str, *texts: str, among: str = "") -> Guard:
    """`texts` are module, before, after; and again for each further line."""
    triples = zip(texts[::3], texts[1::3], texts[2::3], strict=True)
    return Guard(name, tuple(Change(*one) for one in triples), frozenset(among.split()))


EXECUTION, SETTLING, RULES = "usecases/execution.py", "usecases/settling.py", "risk/rules.py"
STOPS = "usecases/exchange_stops.py"
RESOLVE, LEDGER, CHANGES = "reconciliation/resolve.py", "domain/ledger.py", "storage/changes.py"

GUARDS: Final = (
    # One decision, one order.
    _guard(
        "slot of an entry is its bar",
        "usecases/evaluate.py",
        "signal, slot_ms = opinion.signal, desk.policy.slot_ms(opinion.slot_ms)",
        "signal, slot_ms = opinion.signal, desk.policy.slot_ms(desk.clock.now_ms())",
    ),
    _guard(
        "slot of a stop is its pass",
        "usecases/exits.py",
        "slot_ms = desk.policy.slot_ms(sight.tick.scheduled_ms)",
        "slot_ms = desk.policy.slot_ms(desk.clock.now_ms())",
    ),
    _guard(
        "create-once, with the slot in the ledger",
        CHANGES,
        "            return Put(layout.item(written), Absent())",
        "            once = Absent() if written is entity else AnyOf((Absent(), Present()))\n"
        "            return Put(layout.item(written), once)",
        CHANGES,
        "from crypto_ai_bot.storage.conditions import (",
        "from crypto_ai_bot.storage.conditions import (AnyOf,",
        LEDGER,
        "        if use is None or slot_ms > use.slot_ms:",
        "        if True:",
    ),
    _guard(
        "proof before a further attempt",
        LEDGER,
        "if slot_ms < use.slot_ms or not use.came_to_nothing:",
        "if slot_ms < use.slot_ms:",
    ),
    _guard(
        "journal before the submission",
        EXECUTION,
        "    account = approved.facts.account.with_order(order.journaled_ms)\n",
        "    early = _submit(desk, order)\n"
        "    account = approved.facts.account.with_order(order.journaled_ms)\n",
        EXECUTION,
        "    answer = _submit(desk, order)\n",
        "    answer = early\n",
    ),
    _guard(
        "deadline of a submission",
        "brokers/gate_broker.py",
        "return Signing(server_ms, server_ms + self._terms.request_life_ms)",
        "return Signing(server_ms)",
    ),
    _guard(
        "order under way keeps the symbol busy",
        RULES,
        "    if pending := facts.ledger.pending:",
        "    if pending := None:",
        "usecases/evaluate.py",
        "        if sight.ledger(symbol).pending:\n            return settle_first(",
        "        if False:\n            return settle_first(",
    ),
    # Who may write.
    _guard(
        "version check",
        CHANGES,
        "return Put(layout.item(as_stored(entity)), at_version(entity.version))",
        "return Put(layout.item(as_stored(entity)), AnyOf((Absent(), Present())))",
        CHANGES,
        "from crypto_ai_bot.storage.conditions import (",
        "from crypto_ai_bot.storage.conditions import (AnyOf,",
    ),
    _guard(
        "lease free check",
        "usecases/desk.py",
        "    if not ledger.free_for(tick.run_id, now_ms):",
        "    if False:",
    ),
    _guard(
        "fence when the answer is stored",
        EXECUTION,
        "desk.store.commit([Replace(order), Unchanged(held)])",
        "desk.store.commit([Replace(order)])",
    ),
    _guard(
        "ratchet waits for the lease",
        "usecases/exits.py",
        "if guard == ledger.guard or not ledger.free_for(sight.tick.run_id, desk.clock.now_ms()):",
        "if guard == ledger.guard:",
    ),
    _guard(
        "version of the account in the journal",
        EXECUTION,
        "            Replace(account),\n",
        "",
    ),
    _guard(
        "own-write recognition",
        "storage/table.py",
        "if refusal is None or mark in refusal.marks:",
        "if refusal is None:",
    ),
    _guard(
        "doubt about a repeated write",
        "storage/table.py",
        "if repeated and len(actions) == 1 and isinstance(actions[0], Put):",
        "if False:",
    ),
    _guard(
        "instance lock",
        "usecases/instance.py",
        "        if not lock.free_for(instance.owner, now_ms):",
        "        if False:",
    ),
    _guard(
        "dead leases are given back",
        "usecases/watchdog.py",
        "            give_back(desk, ledger)",
        "            pass",
    ),
    _guard(
        "newer dates stay",
        CHANGES,
        "not_newer(field, getattr(entity, field))",
        "AnyOf((Absent(), Present()))",
        CHANGES,
        "from crypto_ai_bot.storage.conditions import (",
        "from crypto_ai_bot.storage.conditions import (AnyOf,",
    ),
    # What was judged still stands.
    _guard(
        "trading state in the journal",
        EXECUTION,
        "            RequireState(entries=order.request.side is Side.BUY),\n",
        "",
    ),
    _guard(
        "entries closed rule",
        RULES,
        "    if facts.trading_state.entries_open:",
        "    if True:",
    ),
    _guard(
        "unreadable parameter closes entries",
        "usecases/desk.py",
        "more_careful(TradingState.EXITS_ONLY, control.state), (str(error),)",
        "control.state, (str(error),)",
    ),
    _guard(
        "judged within ten seconds",
        EXECUTION,
        "    if judged_ms > JUDGED_WITHIN_MS:",
        "    if False:",
    ),
    _guard("stale tick", RULES, "    if age_ms <= STALE_TICK_MS:", "    if True:"),
    _guard("stale price", RULES, "    if age_ms <= STALE_PRICE_MS:", "    if True:"),
    _guard(
        "gap rule",
        "usecases/evaluate.py",
        "    if now_ms - slot_ms >= timeframe_ms:",
        "    if False:",
    ),
    _guard(
        "watchdog only tightens",
        "usecases/control.py",
        "        if only_tighten and more_careful(control.state, state) is not state:",
        "        if False:",
    ),
    # Only evidence decides.
    _guard(
        "no answer is no rejection",
        "brokers/gate_words.py",
        '        return Unknown(f"no answer: {_why_silent(told)}".removesuffix(": "))',
        '        return Rejected("no answer")',
    ),
    _guard(
        "no search is no absence",
        SETTLING,
        "    except TradingError:  # whoever must act, nothing was learned: the symbol is left free"
        "\n        give_back(desk, held)\n        raise\n    reports",
        "    except TradingError:\n"
        '        return closed(desk, order, OrderEvent.PROVE_ABSENT, "silence", held, account)\n'
        "    reports",
    ),
    _guard(
        "grace before absence",
        RESOLVE,
        "    if server_ms <= order.expires_ms + ARRIVAL_MARGIN_MS:",
        "    if False:",
    ),
    _guard(
        "absence is searched for over a window",
        RESOLVE,
        "    if order.absences >= ABSENCES_NEEDED and for_ms >= ABSENCE_WINDOW_MS:",
        "    if order.absences >= ABSENCES_NEEDED:",
        among="lags",
    ),
    _guard(
        "one search is not enough",
        RESOLVE,
        "    if order.absences >= ABSENCES_NEEDED and for_ms >= ABSENCE_WINDOW_MS:",
        "    if True:",
    ),
    _guard(
        "a refused sell is looked for before the next",
        "usecases/attempts.py",
        "        sells = Purpose.ENTRY not in {purpose, wanted}",
        "        sells = False",
        among="falsely_refused reads hand",
    ),
    _guard(
        "what is gone is not sold again",
        "usecases/attempts.py",
        "        if gone_base >= facts.market.amount_step_base:",
        "        if False:",
        among="falsely_refused lags",
    ),
    _guard(
        "no stop rests over a sell in doubt",
        "usecases/exchange_stops.py",
        "            if doubted := sell_in_doubt(desk, kept.ledger):",
        "            if (doubted := sell_in_doubt(desk, kept.ledger)) is False:",
        among="falsely_refused lags",
    ),
    _guard(
        "a request dies with its position",
        "usecases/trading.py",
        "        if ledger.position != position:",
        "        if False:",
        among="turnover",
    ),
    _guard(
        "a judgement dies with its books",
        "usecases/exits.py",
        "    if desk.store.commit([Replace(raised)]):\n        return None\n",
        "    if desk.store.commit([Replace(raised)]):\n        return look_again(desk, sight)\n",
        among="turnover",
    ),
    _guard(
        "base balance compared",
        RESOLVE,
        "    moved = base_moved(order, balance)",
        "    moved = False",
    ),
    _guard(
        "a refusal is doubted",
        EXECUTION,
        "(doubt := _doubt(desk, order)):",
        '(doubt := ""):',
    ),
    _guard(
        "what the next holder settled stays",
        SETTLING,
        "    if not order.unresolved:",
        "    if False:",
    ),
    # Every fill once, the books true.
    _guard(
        "fill is growth of totals",
        "domain/order.py",
        "    traded = report.totals.since(order.totals)",
        "    traded = report.totals",
    ),
    _guard(
        "totals remembered",
        "reconciliation/settle.py",
        "settled = replace(settled, totals=report.totals, fills=settled.fills + 1)",
        "settled = replace(settled, fills=settled.fills + 1)",
    ),
    _guard(
        "fill create-once",
        SETTLING,
        "        changes.append(Create(settled.fill))",
        "        pass",
    ),
    _guard(
        "fee in base reduces the position",
        "domain/position.py",
        "base, cost_quote = traded.base - traded.fee_base, traded.quote + traded.fee_quote",
        "base, cost_quote = traded.base, traded.quote + traded.fee_quote",
    ),
    _guard(
        "unfinished rest stays pending",
        "reconciliation/settle.py",
        "    if report.finished:\n        settled",
        "    if True:\n        settled",
    ),
    _guard(
        "account retry works out anew",
        SETTLING,
        "        account = desk.store.glance().account\n",
        '        account = __import__("dataclasses").replace(\n'
        "            account, version=desk.store.glance().account.version\n        )\n",
    ),
    _guard(
        "a short balance halts",
        "usecases/reconcile.py",
        "    if drift.missing:\n        after, halt_told",
        "    if False:\n        after, halt_told",
    ),
    _guard(
        "drift waits for a pending order",
        "reconciliation/drift.py",
        "    if ledger.pending or ledger.foreign_base is None:",
        "    if ledger.foreign_base is None:",
        "usecases/reconcile.py",
        "        if ledger.pending:\n            return settle_first(desk, sight, symbol)\n",
        "",
    ),
    _guard(
        "an entry waits for its balance",
        "usecases/trading.py",
        "    if request.side is Side.BUY and _is_from_before_the_last_order(facts):",
        "    if False:",
        among="lags lost",
    ),
    _guard(
        "a balance may lag behind an order",
        "usecases/reconcile.py",
        "    if may_lag(ledger, now_ms):",
        "    if False:",
        among="lags",
    ),
    _guard(
        "a refused order may not show yet",
        "usecases/reconcile.py",
        "    refused = perhaps_made(desk, ledger)",
        "    refused = None",
        among="falsely_refused lags",
    ),
    _guard(
        "orders of others are told",
        "usecases/reconcile.py",
        "    fresh = tell_of_others(desk, origins)",
        "    fresh = ()",
    ),
    _guard(
        "what has risen is adopted",
        "usecases/reconcile.py",
        "    if risen := risen_among(origins, ledger):",
        "    if risen := None:",
    ),
    # The worst case within the limits.
    _guard(
        "pending buys count as bought",
        "domain/account.py",
        "        pending = ledger.pending.worst_cost_quote if ledger.pending else ZERO",
        "        pending = ZERO",
    ),
    _guard(
        "exposure rule",
        RULES,
        "    if not limits.exposure_quote_max or wanted <= limits.exposure_quote_max:",
        "    if True:",
    ),
    _guard(
        "orders per hour rule",
        RULES,
        "    if not limits.orders_per_hour_max or made < limits.orders_per_hour_max:",
        "    if True:",
    ),
    _guard(
        "order counted in the hour",
        EXECUTION,
        "approved.facts.account.with_order(order.journaled_ms)",
        "approved.facts.account",
    ),
    _guard(
        "cooldown rule",
        RULES,
        "    if passed_ms >= limits.cooldown_ms:",
        "    if True:",
    ),
    _guard(
        "already held rule",
        RULES,
        '    return f"position: {plain(held)} is already held" if held else None',
        "    return None",
        "strategies/base.py",
        "if signal.action is wanted:",
        "if signal.action in {wanted, Action.ENTER}:",
    ),
    _guard(
        "halted rule",
        RULES,
        '    return f"halted: {facts.ledger.halt.reason}" if facts.ledger.halt else None',
        "    return None",
    ),
    _guard(
        "sells what is surely held",
        RULES,
        "    if 0 < request.amount <= held:",
        "    if True:",
        "risk/sizing.py",
        "min(wanted_base, held_base)",
        "wanted_base * 2",
        "risk/sizing.py",
        "    if amount and not rules.sellable_base(held_base - amount, bid):",
        "    if False:",
        "risk/sizing.py",
        "    if request.side is Side.BUY or request.amount <= balance.free_base:",
        "    if True:",
    ),
    # Stops at the exchange.
    _guard(
        "stop journaled before it is asked for",
        STOPS,
        "    if desk.store.commit([Replace(journaled), RequireState(entries=False)]):",
        "    answer = stops.place_stop(ledger.symbol, terms, life_ms, arrives_until_ms)\n"
        "    if desk.store.commit([Replace(journaled), RequireState(entries=False)]):",
        STOPS,
        "    answer = stops.place_stop(ledger.symbol, terms, life_ms, arrives_until_ms)\n    match",
        "    match",
    ),
    _guard(
        "nothing is sold beside a resting stop",
        "usecases/trading.py",
        "    if request.side is Side.SELL and sight.ledger(request.symbol).exchange_stop:",
        "    if False:",
        RULES,
        "    if facts.ledger.exchange_stop:",
        "    if False:",
    ),
    _guard(
        "an unknown stop is searched before the next",
        "domain/exchange_stop.py",
        "        return StopStep.FIND",
        "        return StopStep.PLACE if wanted else StopStep.KEEP",
    ),
    _guard(
        "a stop is told by its life",
        "brokers/gate_stops.py",
        "            life_ms // _SECOND_MS,\n            terms.trigger_price,",
        "            terms.trigger_price,",
        "brokers/gate_stops.py",
        '            read_amount(trigger["expiration"]),\n',
        "",
    ),
    _guard(
        "grace before a stop is absent",
        "reconciliation/stop_search.py",
        "    if server_ms <= stop.arrives_until_ms + ARRIVAL_MARGIN_MS:",
        "    if False:",
        among="late",
    ),
    _guard(
        "what a removed stop has sold counts",
        STOPS,
        "    if not reports:",
        "    if True:",
    ),
    # Stops.
    _guard(
        "ratchet only up",
        "domain/stop.py",
        "    levels = [guard.stop_price]",
        "    levels = [0.0]",
    ),
    _guard(
        "peak only up",
        "domain/stop.py",
        "    raised = replace(guard, peak_price=max(guard.peak_price, price))",
        "    raised = replace(guard, peak_price=price)",
    ),
    _guard(
        "guard goes with the position",
        "reconciliation/settle.py",
        "            ledger = replace(ledger, guard=None)",
        "            pass",
    ),
    _guard(
        "dead man's switch",
        "usecases/watchdog.py",
        "    silent_ms = _exits_silent_ms(desk, sight, now_ms)",
        "    silent_ms = 0",
    ),
    _guard(
        "every open position is looked at",
        "usecases/exits.py",
        "    for symbol in sight.open_symbols:",
        "    for symbol in sight.open_symbols[:1]:",
    ),
)
