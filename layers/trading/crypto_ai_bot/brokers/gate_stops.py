"""Stops that rest at Gate: price-triggered orders, each a limit sell (reference gate-spot 1.10).

They carry no name of ours, so one whose answer was lost is told by its numbers, the seconds that it
lives among them, and its time. What they make when they fire is an ordinary order, found by the id
that the fired stop names.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from crypto_ai_bot.brokers import gate_words
from crypto_ai_bot.brokers.gate_broker import GateBroker
from crypto_ai_bot.brokers.gate_prices import pair_id
from crypto_ai_bot.brokers.market_readings import read_amount
from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.exchange_stop import StopTerms
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import OrderReport
from crypto_ai_bot.ports.broker import Answer, Rejected, Unknown
from crypto_ai_bot.ports.exchange_stops import Ended, Fate, Fired, Resting, StopOutcome, StopPlaced

_RULE: Final = "<="
_A_PAGE: Final = 100
_PAGES_MAX: Final = 100
_LIVES: Final = "open"
_ENDED: Final = frozenset({"cancelled", "canceled", "finish", "failed", "expired"})
_SECOND_MS: Final = 1_000


class _Row(NamedTuple):
    """One price-triggered order as Gate lists it; `fired_order_id` is "" when it made none."""

    stop_id: str
    numbers: tuple[str, str, Any, Any, Any, Any]
    created_ms: int
    status: str
    reason: str
    fired_order_id: str


class GateStops:
    """ExchangeStops over the account of a GateBroker."""

    def __init__(self, broker: GateBroker) -> None:
        self._broker = broker

    def place_stop(
        self, symbol: Symbol, terms: StopTerms, life_ms: int, arrives_until_ms: int
    ) -> Answer:
        """1 request at most. Market stops are not asked for: Gate has refused them (1.10)."""
        body = {
            "market": pair_id(symbol),
            "trigger": {
                "price": plain(terms.trigger_price),
                "rule": _RULE,
                "expiration": life_ms // _SECOND_MS,
            },
            "put": {
                "type": "limit",
                "side": "sell",
                "price": plain(terms.limit_price),
                "amount": plain(terms.amount_base),
                "account": "unified" if self._broker.account == "unified" else "normal",
                "time_in_force": "gtc",
            },
        }
        return self._broker.submit(
            f"stop {symbol}", lambda gate: gate.privateSpotPostPriceOrders(body), arrives_until_ms
        )

    def read_stop_answer(self, answer: Answer) -> StopOutcome:
        """An id proves the stop. REPEAT_REQUEST proves nothing: the first may have been taken."""
        body = gate_words.read_body(answer)
        if isinstance(body, Rejected | Unknown):
            return body
        try:
            return StopPlaced(gate_words.read_id(body, "id"))
        except (ValueError, KeyError):
            return Unknown("an answer without an id")

    def find_stops(
        self, symbol: Symbol, terms: StopTerms, life_ms: int, asked_ms: int
    ) -> Sequence[str]:
        """Open ones first: one that ends meanwhile shows among the finished. 2 requests or more."""
        wanted = (
            pair_id(symbol),
            _RULE,
            life_ms // _SECOND_MS,
            terms.trigger_price,
            terms.limit_price,
            terms.amount_base,
        )
        rows = [*self._listed(symbol, _LIVES), *self._listed(symbol, "finished")]
        earliest_ms = asked_ms // _SECOND_MS * _SECOND_MS  # Gate's times are whole seconds
        found = {
            row.stop_id for row in rows if row.numbers == wanted and row.created_ms >= earliest_ms
        }
        return sorted(found, key=int)

    def fetch_fate(self, symbol: Symbol, stop_id: str) -> Fate:
        """1 request while it rests; the order that a fired one made is read, and ended, as well."""
        row = self._broker.ask(
            f"stop {stop_id}",
            lambda gate: gate.privateSpotGetPriceOrdersOrderId({"order_id": stop_id}),
            _read_row,
        )
        if row.status == _LIVES:
            return Resting()
        if row.fired_order_id:
            return Fired(self._ended_order(symbol, row.fired_order_id))
        if row.status == "finish":
            raise ExchangeUnavailable(f"gate stop {stop_id}: it fired and names no order")
        return Ended(f"{row.status} {row.reason}".strip())

    def remove_stop(self, symbol: Symbol, stop_id: str) -> Ended | Fired:
        """Whatever the cancel is answered, the fate is read after it: it may have come too late."""
        self._cancelled(
            f"cancel stop {stop_id}",
            lambda gate: gate.privateSpotDeletePriceOrdersOrderId({"order_id": stop_id}),
        )
        fate = self.fetch_fate(symbol, stop_id)
        if isinstance(fate, Resting):
            raise ExchangeUnavailable(f"gate stop {stop_id}: it cannot be cancelled")
        return fate

    def _ended_order(self, symbol: Symbol, order_id: str) -> OrderReport:
        """The order of a fired stop. What is left open of it would rest where no price may come."""
        report = self._broker.fetch_order(symbol, order_id)
        if report and not report.finished:
            question = {
                "order_id": order_id,
                "account": self._broker.account,
                "currency_pair": pair_id(symbol),
            }
            self._cancelled(
                f"cancel order {order_id}",
                lambda gate: gate.privateSpotDeleteOrdersOrderId(question),
            )
            report = self._broker.fetch_order(symbol, order_id)
        if report is None or not report.finished:
            raise ExchangeUnavailable(f"gate order {order_id}: a stop made it and it has not ended")
        return report

    def _cancelled(self, what: str, ask: Any) -> None:
        """Asks for an end; whether it came is read afterwards, whatever the answer."""
        try:
            self._broker.ask(what, ask, lambda answer: answer)
        except ExchangeUnavailable:
            return

    def _listed(self, symbol: Symbol, status: str) -> Sequence[_Row]:
        """A whole listing; pages by number and by offset, for Gate's documents know both."""
        rows: list[_Row] = []
        for number in range(_PAGES_MAX):
            question = {
                "status": status,
                "market": pair_id(symbol),
                "limit": _A_PAGE,
                "page": number + 1,
                "offset": number * _A_PAGE,
            }
            page = self._broker.ask(
                f"{status} stops of {symbol}, page {number + 1}",
                lambda gate, asked=question: gate.privateSpotGetPriceOrders(asked),  # type: ignore[misc]  # bound now
                _read_rows,
            )
            rows += page
            if len(page) < _A_PAGE:
                return rows
        raise ExchangeUnavailable(f"gate {status} stops of {symbol}: more than {_PAGES_MAX} pages")


def _read_rows(answer: Any) -> list[_Row]:
    if not isinstance(answer, list):
        raise ValueError("not a list")
    return [_read_row(row) for row in answer]


def _read_row(row: Mapping[str, Any]) -> _Row:
    """One row. Raises ValueError or a relative when it cannot be read whole."""
    status, put, trigger = row["status"], row["put"], row["trigger"]
    if status != _LIVES and status not in _ENDED:
        raise ValueError(f"a stop's status is {status!r}")
    fired = row.get("fired_order_id") or 0
    return _Row(
        stop_id=gate_words.read_id(row, "id"),
        numbers=(
            str(row["market"]),
            str(trigger["rule"]),
            read_amount(trigger["expiration"]),
            read_amount(trigger["price"]),
            read_amount(put["price"]),
            read_amount(put["amount"]),
        ),
        created_ms=int(read_amount(row["ctime"])) * _SECOND_MS,
        status=str(status),
        reason=str(row.get("reason") or ""),
        fired_order_id=gate_words.read_id(row, "fired_order_id") if str(fired) != "0" else "",
    )
