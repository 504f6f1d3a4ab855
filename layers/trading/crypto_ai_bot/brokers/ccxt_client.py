"""One exchange's ccxt client: set up so that a call is one request, bounded, and kept raw.

ccxt's own timeout bounds each wait for bytes, not the call: an answer that drips may take for ever
(reference gate-spot 3.1). So each call runs in a thread that is abandoned, with its client, when
the deadline passes; the next call starts on a client of its own.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger
from threading import Thread
from typing import Any, Final

from crypto_ai_bot.brokers.ccxt_lean import exchange_class, exchange_errors, exchange_id_of
from crypto_ai_bot.domain.errors import ExchangeUnavailable

_GATE_IDS: Final = frozenset({"gate", "gateeu"})
_BODY_KEPT_MAX: Final = 65_536  # an order's answer is 1 KB; nobody reads all tickers again
_WORD: Final = re.compile(r"[\w.:-]{1,80}")

# What ccxt's parsers and ours raise on a body of an unexpected shape.
_SHAPE_ERRORS: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


@dataclass(slots=True)
class Reply:
    """What the last request got back, before anybody reads it: zeros and "" when nothing came."""

    status: int = 0
    trace_id: str = ""
    body: str = ""

    def keep(
        self, code: int, _reason: str, _url: str, _method: str, headers: Any, body: str, *_sent: Any
    ) -> str:
        """Stands in for ccxt's `on_rest_response`: keeps the answer and hands its body on."""
        self.status = code
        self.trace_id = str(headers.get("X-Gate-Trace-Id", ""))
        self.body = body[:_BODY_KEPT_MAX]
        return body.strip()


class CcxtClient:
    """Makes calls to one exchange; not for two threads at once, as ccxt's clients are not.

    `name` is the exchange's id at ccxt (`gateio` means `gate`). `base_url` replaces Gate's own API
    v4. `wait_ms` bounds the connecting and each wait for bytes, `deadline_ms` the whole call,
    `interval_ms` is the least time between two requests (None: the exchange's own).
    Raises ValueError, one line, for an exchange or a combination that cannot be.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str = "",
        sandbox: bool = False,
        api_key: str = "",
        api_secret: str = "",
        wait_ms: int = 4_000,
        deadline_ms: int = 8_000,
        interval_ms: int | None = None,
    ) -> None:
        self.exchange_id: Final = exchange_id_of(name)
        self.is_gate: Final = self.exchange_id in _GATE_IDS
        self.keyed: Final = bool(api_key and api_secret)
        if base_url and not self.is_gate:
            raise ValueError(f"another base URL is for gateio alone, not for {name!r}")
        self._class = exchange_class(name)
        self._no_answer = (exchange_errors().BaseError, OSError)
        self._base_url = base_url.rstrip("/")
        self._sandbox = sandbox
        self._deadline_ms = deadline_ms
        self._config = {
            "timeout": wait_ms,
            "enableRateLimit": True,
            "options": {"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}},
            **({"apiKey": api_key, "secret": api_secret} if self.keyed else {}),
            **({"rateLimit": interval_ms} if interval_ms is not None else {}),
        }
        self._exchange: Any = self._opened()
        self.reply = Reply()

    def call[T](self, what: str, ask: Callable[[Any], Any], read: Callable[[Any], T]) -> T:
        """`read(ask(exchange))`, where `ask` makes one request and `read` believes nothing.

        Raises ExchangeUnavailable, one line that names `what`, when no answer came within the
        deadline, or it was an error, or `read` found it unreadable. What came stands in `reply`.
        """
        reply = self.reply = Reply()
        exchange = self._exchange
        exchange.on_rest_response = reply.keep
        try:
            return read(self._within_deadline(what, lambda: ask(exchange)))
        except self._no_answer as error:
            raise ExchangeUnavailable(self._line(what, _cause(error))) from error
        except _SHAPE_ERRORS as error:
            why = f"unreadable answer ({_one_line(error)})"
            raise ExchangeUnavailable(self._line(what, why)) from error

    def close(self) -> None:
        """Closes the idle connections."""
        self._exchange.close()

    def _within_deadline(self, what: str, ask: Callable[[], Any]) -> Any:
        answers: list[Any] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(ask())
            except BaseException as error:  # noqa: BLE001 - carried to the caller, whole
                errors.append(error)

        thread = Thread(target=run, name=f"{self.exchange_id} {what}", daemon=True)
        thread.start()
        thread.join(self._deadline_ms / 1_000)
        if thread.is_alive():
            self._exchange = self._opened()
            raise ExchangeUnavailable(self._line(what, f"no answer in {self._deadline_ms} ms"))
        if errors:
            raise errors[0]
        return answers[0]

    def _opened(self) -> Any:
        """A fresh ccxt client: no retries, no redirects, amounts as text, nothing logged."""
        exchange = self._class(self._config)
        if exchange.options.get("maxRetriesOnFailure"):
            raise ValueError(f"{self.exchange_id}: ccxt would repeat failed requests by itself")
        exchange.number = str
        exchange.session.max_redirects = 0  # a redirected order would be sent again
        exchange.enableLastHttpResponse = False
        exchange.enableLastJsonResponse = False
        exchange.logger = Logger("ccxt")  # noqa: LOG001 - apart from all others: ccxt's would
        exchange.logger.disabled = True  # write keys and signatures at level DEBUG
        if self._sandbox:
            if not exchange.urls.get("test"):
                raise ValueError(f"{self.exchange_id} has no sandbox at ccxt")
            exchange.set_sandbox_mode(True)
        if self._base_url:
            for group in ("public", "private"):
                urls = exchange.urls["api"][group]
                urls.update(dict.fromkeys(urls, self._base_url))
        return exchange

    def _line(self, what: str, why: str) -> str:
        """One line without secrets: no URL, no header and no foreign text beyond plain words."""
        reply = self.reply
        parts = [
            f"HTTP {reply.status}" if reply.status else "",
            _label(reply.body),
            f"trace {reply.trace_id}" if _WORD.fullmatch(reply.trace_id) else "",
        ]
        found = ", ".join(part for part in parts if part)
        return f"{self.exchange_id} {what}: {why}" + (f" [{found}]" if found else "")


def _cause(error: BaseException) -> str:
    """The class of an error and of what it started from: names, for texts may carry URLs."""
    root = error
    while (deeper := root.__cause__ or root.__context__) is not None:
        root = deeper
    names = dict.fromkeys((type(error).__name__, type(root).__name__))
    return " from ".join(names)


def _label(body: str) -> str:
    """Gate's label for an error, if the body has one."""
    try:
        label = json.loads(body).get("label", "")
    except (ValueError, AttributeError):
        return ""
    return label if isinstance(label, str) and _WORD.fullmatch(label) else ""


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
