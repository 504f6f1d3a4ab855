"""One exchange's ccxt client: set up so that a call is one request, bounded, and kept raw.

ccxt's own timeout bounds each wait for bytes, not the call: an answer that drips may take for ever
(reference gate-spot 3.1). So each call runs in a thread that is abandoned, with its client, when
the deadline passes; the next call starts on a client of its own. What has not left by then never
does: the door that each request passes is shut.
"""

from collections.abc import Callable
from logging import Logger
from threading import Thread
from typing import Any, Final

from crypto_ai_bot.brokers.ccxt_lean import exchange_class, exchange_errors, exchange_id_of
from crypto_ai_bot.brokers.trial import WORD, Door, Reply, Signing, Trial, cause_of
from crypto_ai_bot.domain.circuit import Circuit
from crypto_ai_bot.domain.errors import ExchangeUnavailable

_GATE_IDS: Final = frozenset({"gate", "gateeu"})

# What ccxt's parsers and ours raise on a body of an unexpected shape.
_SHAPE_ERRORS: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


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
        self._config: dict[str, Any] = {
            "timeout": wait_ms,
            "enableRateLimit": True,
            "options": {"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}},
            **({"apiKey": api_key, "secret": api_secret} if self.keyed else {}),
            **({"rateLimit": interval_ms} if interval_ms is not None else {}),
        }
        self._hidden = tuple(secret for secret in (api_key, api_secret) if secret)
        self._exchange: Any = self._opened()
        self.reply = Reply()
        self.circuit = Circuit()  # here because a client lives as long as its process

    def call[T](
        self,
        what: str,
        ask: Callable[[Any], Any],
        read: Callable[[Any], T],
        signing: Signing | None = None,
    ) -> T:
        """`read(ask(exchange))`, where `ask` makes one request and `read` believes nothing.

        Raises ExchangeUnavailable, one line that names `what`, when no answer came within the
        deadline, or it was an error, or `read` found it unreadable. What came stands in `reply`.
        """
        trial = self._tried(what, ask, signing, Door())
        if trial.late:
            raise ExchangeUnavailable(self._line(what, f"no answer in {self._deadline_ms} ms"))
        try:
            if trial.error:
                raise trial.error
            return read(trial.answer)
        except self._no_answer as error:
            raise ExchangeUnavailable(self._line(what, cause_of(error))) from error
        except _SHAPE_ERRORS as error:
            why = f"unreadable answer ({_one_line(error)})"
            raise ExchangeUnavailable(self._line(what, why)) from error

    def submit(self, what: str, ask: Callable[[Any], Any], signing: Signing) -> Trial:
        """One request at most, whatever `ask` does, and whatever becomes of it as a value."""
        return self._tried(what, ask, signing, Door(requests_max=1))

    def is_own_key(self, masked: str) -> bool:
        """Whether `masked`, a key with stars for a part of it, can be this client's."""
        shown, *_, rest = masked.split("*") if "*" in masked else (masked, "")
        key = self._config.get("apiKey", "")
        return bool(shown) and key.startswith(shown) and key.endswith(rest)

    def close(self) -> None:
        """Closes the idle connections."""
        self._exchange.close()

    def _tried(
        self, what: str, ask: Callable[[Any], Any], signing: Signing | None, door: Door
    ) -> Trial:
        self.reply = Reply(hidden=self._hidden)
        trial = Trial(self.reply, door)
        exchange = self._prepared(trial, signing)

        def run() -> None:
            try:
                trial.answer = ask(exchange)
            except BaseException as error:  # noqa: BLE001 - carried to the caller, whole
                trial.error = error

        thread = Thread(target=run, name=f"{self.exchange_id} {what}", daemon=True)
        thread.start()
        thread.join(self._deadline_ms / 1_000)
        if thread.is_alive():
            trial.door.shut()
            trial.late = True
            self._exchange = self._opened()
        return trial

    def _prepared(self, trial: Trial, signing: Signing | None) -> Any:
        """The client with this call's door, reply and times; an abandoned one keeps its own."""
        exchange, base = self._exchange, self._class

        def fetch(*request: Any, **named: Any) -> Any:
            trial.door.leave()
            return base.fetch(exchange, *request, **named)

        def sign(*request: Any, **named: Any) -> Any:
            signed = base.sign(exchange, *request, **named)
            if signing and signing.expires_ms:
                expiry = {"x-gate-exptime": str(signing.expires_ms)}
                signed["headers"] = {**signed["headers"], **expiry}
            return signed

        def nonce() -> Any:
            return signing.at_ms if signing else base.nonce(exchange)

        exchange.fetch, exchange.sign, exchange.nonce = fetch, sign, nonce
        exchange.on_rest_response = trial.reply.keep
        return exchange

    def _opened(self) -> Any:
        """A fresh ccxt client: no retries, no redirects, amounts as text, nothing logged."""
        exchange = self._class(self._config)
        adapters = exchange.session.adapters.values()
        if exchange.options.get("maxRetriesOnFailure") or any(
            adapter.max_retries.total for adapter in adapters
        ):
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
            reply.label,
            f"trace {reply.trace_id}" if WORD.fullmatch(reply.trace_id) else "",
        ]
        found = ", ".join(part for part in parts if part)
        return f"{self.exchange_id} {what}: {why}" + (f" [{found}]" if found else "")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
