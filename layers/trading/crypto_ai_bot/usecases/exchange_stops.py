"""Keeps one stop resting at the exchange for each position, and takes it away before a sell.

journal ──► place once ──► answer        ends like an order's: found, proved absent, or not known
remove  ──► read its fate ──► gone, or fired: the order that it made is settled like ours

Every step is one lease: what rests can sell, so nobody may act on the symbol meanwhile.
"""

from dataclasses import dataclass, replace
from typing import Final

from crypto_ai_bot.domain.errors import TradingError
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.exchange_stop import (
    ExchangeStop,
    StopStep,
    StopTerms,
    fired_order,
    named_life_ms,
    next_step,
    wanted_terms,
)
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import Order
from crypto_ai_bot.ports.broker import Rejected, Unknown
from crypto_ai_bot.ports.exchange_stops import Ended, ExchangeStops, Fired, Resting, StopPlaced
from crypto_ai_bot.ports.store import Change, Create, Replace, RequireState, as_stored
from crypto_ai_bot.reconciliation.resolve import added_up
from crypto_ai_bot.reconciliation.stop_search import searched
from crypto_ai_bot.usecases.attempts import sell_in_doubt
from crypto_ai_bot.usecases.desk import Desk, give_back, take_lease
from crypto_ai_bot.usecases.run import Sight
from crypto_ai_bot.usecases.settling import settled

STEP_BUDGET_MS: Final = 10_000  # one request and what is written of it must fit in
_STEPS_MAX: Final = 3  # found, removed, placed anew
_BUSY: Final = "another run has the symbol"


@dataclass(frozen=True, slots=True)
class Kept:
    """What rests now stands in `ledger`. `order` is what a stop that had fired has sold.

    `note` says why what rests is not what should, or what does; "" when nothing is to be said.
    """

    ledger: Ledger
    note: str = ""
    order: Order | None = None

    @property
    def unknown(self) -> bool:
        """Whether a stop rests is not known."""
        stop = self.ledger.exchange_stop
        return stop is not None and not stop.stop_ids


def keep(desk: Desk, sight: Sight, ledger: Ledger, market: MarketRules) -> Kept:
    """Brings what rests for `ledger` to what should, as far as this invocation's time allows.

    Raises what the doors raise; the lease is given back then, and the next run goes on.
    """
    stops, kept = desk.exchange_stops, Kept(ledger)
    if stops is None:
        return kept
    for _ in range(_STEPS_MAX):
        wanted = should_rest(desk, sight, kept.ledger, market)
        step = next_step(kept.ledger.exchange_stop, wanted, desk.clock.now_ms())
        if step is StopStep.KEEP:
            return replace(kept, note=_resting(kept.ledger.exchange_stop))
        if desk.clock.remaining_ms() < STEP_BUDGET_MS:
            return replace(kept, note="no time was left for the stop at the exchange")
        if step is StopStep.PLACE and wanted:
            if doubted := sell_in_doubt(desk, kept.ledger):
                note = f"no stop at the exchange: was {doubted.client_order_id} made after all?"
                return replace(kept, note=note)
            return _place(desk, stops, sight, kept.ledger, wanted)
        if step is StopStep.FIND:
            kept = _find(desk, stops, sight, kept.ledger)
        else:
            kept = _remove(desk, stops, sight, kept.ledger, market)
        if kept.note or kept.order:
            break
    return kept


def clear(desk: Desk, sight: Sight, ledger: Ledger, market: MarketRules) -> Kept:
    """Takes away what rests before a sell of ours; `exchange_stop` is None when it is gone.

    Raises ExchangeUnavailable when its fate cannot be read: nothing is sold on a guess.
    """
    stops, kept = desk.exchange_stops, Kept(ledger)
    if stops and kept.unknown:
        kept = _find(desk, stops, sight, ledger)
    if stops and kept.ledger.exchange_stop and not kept.unknown:
        kept = _remove(desk, stops, sight, kept.ledger, market)
    return kept


def check(desk: Desk, sight: Sight, ledger: Ledger, market: MarketRules) -> Kept | None:
    """What was learned where the books and the exchange differ; None when they agree.

    Tells the operator of a stop that is gone without having sold.
    """
    stops, kept = desk.exchange_stops, Kept(ledger)
    if stops and kept.unknown:
        kept = _find(desk, stops, sight, ledger)
    stop = kept.ledger.exchange_stop
    if stops is None or stop is None or kept.unknown:
        return None if kept.ledger == ledger and not kept.unknown else kept
    fates = [stops.fetch_fate(ledger.symbol, one) for one in stop.stop_ids]
    if all(isinstance(fate, Resting) for fate in fates):
        return None
    kept = _remove(desk, stops, sight, kept.ledger, market)
    if kept.order or kept.ledger.exchange_stop:
        return kept
    why = "; ".join(fate.reason for fate in fates if isinstance(fate, Ended))
    note = f"the stop at the exchange is gone: {why}"
    desk.store.commit([Create(_told(desk, ledger, stop.stop_ids[0], note))])
    return replace(kept, note=note)


def should_rest(
    desk: Desk, sight: Sight, ledger: Ledger, market: MarketRules | None
) -> StopTerms | None:
    """The stop that should rest for `ledger`; none while trading is off, which makes no order."""
    if not (desk.policy.exchange_stop and market and sight.trading_state.exits_open):
        return None
    return wanted_terms(ledger.guard, ledger.worst_base, market)


def _place(
    desk: Desk, stops: ExchangeStops, sight: Sight, ledger: Ledger, terms: StopTerms
) -> Kept:
    """Journals the stop under a lease in one write, asks for it once, writes what is known."""
    tick, now_ms = sight.tick, desk.clock.now_ms()
    if not ledger.free_for(tick.run_id, now_ms):
        return Kept(ledger, _BUSY)
    server_ms = desk.broker.fetch_server_ms()
    arrives_until_ms = desk.broker.expires_ms(server_ms)
    life_ms = named_life_ms(desk.policy.deployment_tag, ledger.symbol, now_ms)
    stop = ExchangeStop(terms, now_ms, server_ms, arrives_until_ms, now_ms + life_ms)
    leased = ledger.leased_to(tick.run_id, now_ms + desk.policy.lease_ms)
    journaled = replace(leased, exchange_stop=stop)
    if desk.store.commit([Replace(journaled), RequireState(entries=False)]):
        return Kept(ledger, _BUSY)
    held = as_stored(journaled)
    answer = stops.place_stop(ledger.symbol, terms, life_ms, arrives_until_ms)
    match stops.read_stop_answer(answer):
        case StopPlaced(stop_id):
            resting = replace(stop, stop_ids=(stop_id,))
            return _written(desk, held, resting, _resting(resting))
        case Rejected(reason):
            note = f"the exchange takes no stop: {reason}"
            opened_ms = ledger.guard.opened_ms if ledger.guard else now_ms
            told = _told(desk, ledger, f"refused:{opened_ms}", note)
            kept = _written(desk, held, None, note)
            desk.store.commit([Create(told)])
            return kept
        case Unknown(reason):
            return _written(desk, held, stop, f"whether the stop rests is not known: {reason}")


def _find(desk: Desk, stops: ExchangeStops, sight: Sight, ledger: Ledger) -> Kept:
    held = take_lease(desk, ledger, sight.tick)
    if held is None or held.exchange_stop is None:
        return Kept(ledger, _BUSY)
    stop = held.exchange_stop
    try:
        server_ms = desk.broker.fetch_server_ms()
        found = stops.find_stops(held.symbol, stop.terms, stop.life_ms, stop.asked_ms)
    except TradingError:  # whoever must act, nothing was learned: the symbol is left free
        give_back(desk, held)
        raise
    known = searched(stop, found, server_ms)
    open_still = known is not None and not known.stop_ids
    note = "whether the stop rests at the exchange is not known yet" if open_still else ""
    return _written(desk, held, known, note)


def _remove(
    desk: Desk, stops: ExchangeStops, sight: Sight, ledger: Ledger, market: MarketRules
) -> Kept:
    held = take_lease(desk, ledger, sight.tick)
    if held is None or held.exchange_stop is None:
        return Kept(ledger, _BUSY)
    stop = held.exchange_stop
    try:
        fates = [stops.remove_stop(held.symbol, one) for one in stop.stop_ids]
    except TradingError:  # as above: its fate is read again by the next run
        give_back(desk, held)
        raise
    reports = [fate.report for fate in fates if isinstance(fate, Fired)]
    if not reports:
        return _written(desk, held, None, "")
    report, token = added_up(reports), held.lease.token if held.lease else 0
    slot_ms = desk.policy.slot_ms(report.updated_ms)
    order = fired_order(stop, report, slot_ms, token, sight.tick.correlation_id)
    bare = replace(held, exchange_stop=None)
    placed = settled(desk, order, report, bare, sight.glance.account, market)
    return Kept(placed.ledger, order.request.reason, placed.order)


def _written(desk: Desk, held: Ledger, stop: ExchangeStop | None, note: str) -> Kept:
    """Writes what is known of the stop and gives the lease back, if it is still ours."""
    after = replace(held.released(), exchange_stop=stop)
    changes: list[Change] = [Replace(after)]
    if desk.store.commit(changes):
        return Kept(held, _BUSY)
    return Kept(as_stored(after), note)


def _resting(stop: ExchangeStop | None) -> str:
    if stop is None:
        return ""
    return f"a stop rests at the exchange at {plain(stop.terms.trigger_price)}"


def _told(desk: Desk, ledger: Ledger, what: str, text: str) -> Event:
    name = f"exchange_stop:{ledger.symbol}:{what}"
    symbol = str(ledger.symbol)
    return Event(name, EventKind.STOP, desk.clock.now_ms(), symbol, f"{symbol}: {text}")
