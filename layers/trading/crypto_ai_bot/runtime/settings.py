"""The one file that reads the environment: every variable, its default and what is allowed.

A variable that is empty is not set. What is wrong stops the start with a BadSetting: for each
variable one line with its name, the value found and what is allowed.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from platform import node
from typing import Any, Final, Self

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import MINUTE_MS, TIMEFRAMES_MS, Symbol
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.runtime import setting_forms as forms
from crypto_ai_bot.runtime.env_file import read_env_file
from crypto_ai_bot.runtime.secrets import SecretSources
from crypto_ai_bot.strategies import registry
from crypto_ai_bot.strategies.base import Strategy

_FORM: Final = "form"
_GUARDED: Final = ("RISK_", "STOP_")  # a misspelt limit would be a limit that is off

_amount: Final = forms.amount(at_least=0)
_price: Final = forms.amount(above=0)
_fee_pct: Final = forms.amount(at_least=0, below=100)
_stop_pct: Final = forms.number(at_least=0, below=100)
_gain_pct: Final = forms.number(at_least=0)
_count: Final = forms.whole(at_least=0)
_span: Final = forms.whole(at_least=1)


def _read[T](form: Callable[[str], T], default: T) -> T:
    """A field: how its variable is read, and its value when the variable is not set."""
    return field(default=default, metadata={_FORM: form})


def _derived(form: Callable[[str], Any]) -> Any:
    """A field whose default, in _DEFAULTS, depends on others."""
    return field(metadata={_FORM: form})


def _account_name(given: Mapping[str, Any]) -> str:
    if given["mode"] == "paper":
        return "paper"
    return "sandbox" if given["sandbox"] else "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that differs between deployments, checked. Fields are named as the variables are.

    Amounts and prices are in quote unless a name says otherwise; `_pct` is per cent.
    """

    mode: str = _read(forms.either("paper", "live"), "paper")
    sandbox: bool = _read(forms.to_switch, default=False)
    exchange: str = _read(forms.matching(r"^[a-z][a-z0-9]*$"), "gateio")
    exchange_url: str = _read(forms.to_url, "")
    clock: str = _read(forms.either("system", "exchange"), "system")
    symbol: Symbol = _read(forms.to_symbol, Symbol("BTC", "USDT"))
    symbols: tuple[Symbol, ...] = _derived(forms.to_symbols)

    strategy: str = _read(str, "ema_cross")
    # Minutes, because the jobs fire each minute and a warm-up of minutes is hours, not weeks.
    timeframe: str = _read(forms.one_of(*TIMEFRAMES_MS), "1m")
    strategy_parameters: Mapping[str, Any] = _derived(forms.to_parameters)

    unified_account: bool = _read(forms.to_switch, default=False)
    exchange_stop: bool = _read(forms.to_switch, default=False)
    expiry_proven: bool = _read(forms.to_switch, default=False)
    order_slippage_pct: Decimal = _read(_fee_pct, ZERO)
    fixed_amount: Decimal = _derived(_price)
    price_feed: str = _read(forms.either("fixed", "live"), "live")
    fixed_price: Decimal = _read(_price, ZERO)
    paper_quote_balance: Decimal = _read(_amount, Decimal(10_000))
    paper_fee_pct: Decimal = _read(_fee_pct, Decimal("0.2"))
    paper_slippage_pct: Decimal = _read(_fee_pct, Decimal("0.05"))

    risk_cooldown_sec: int = _read(_count, 60)
    risk_max_spread_pct: Decimal = _read(_amount, Decimal("0.5"))
    risk_max_position_base: Decimal = _read(_amount, ZERO)
    risk_max_orders_per_hour: int = _read(_count, 20)
    risk_daily_loss_limit_quote: Decimal = _read(_amount, ZERO)
    risk_max_exposure_quote: Decimal = _read(_amount, ZERO)

    stop_hard_pct: float = _read(_stop_pct, 5.0)
    stop_trailing_pct: float = _read(_stop_pct, 0.0)
    stop_atr_multiple: float = _read(_gain_pct, 0.0)
    take_profit_steps: tuple[TakeProfitStep, ...] = _read(forms.to_steps, ())
    break_even_pct: float = _read(_gain_pct, 0.0)
    time_stop_sec: int = _read(_count, 0)

    idempotency_bucket_ms: int = _read(forms.whole(at_least=1_000), 10_000)
    idempotency_ttl_sec: int = _read(_span, 7 * 86_400)
    eval_interval_sec: int = _read(_span, 60)
    exits_interval_sec: int = _read(forms.whole(at_least=1, at_most=60), 10)
    reconcile_interval_sec: int = _read(_span, 300)
    watchdog_interval_sec: int = _read(_span, 60)
    dms_timeout_ms: int = _read(forms.whole(at_least=MINUTE_MS), 3 * MINUTE_MS)
    backup_retention_days: int = _read(_span, 30)

    deployment_tag: str = _derived(forms.matching(r"^[0-9a-z]{1,8}$"))
    table_name: str = _read(str, "crypto-ai-bot")
    deployment_id: str = _derived(str)
    lock_table_name: str = _derived(str)
    trading_parameter: str = _read(str, "")
    aws_endpoint_url: str = _read(str, "")
    api_key_created: int = _read(forms.to_day_ms, 0)
    log_level: str = _read(forms.one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
    secrets: SecretSources

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Reads the variables; those of this process unless others are given.

        Raises BadSetting, a line for each variable that is wrong.
        """
        found = os.environ if environ is None else environ  # noqa: TID251 - this is the file for it
        given = {name: text.strip() for name, text in found.items() if text.strip()}
        lines = list(_misspelt(given, cls.variables()))
        values, wrong = _values(given)
        if wrong:
            raise BadSetting("\n".join([*lines, *wrong]))
        defaults = {name: make for name, make in _DEFAULTS.items() if name not in values}
        values |= {name: make(values) for name, make in defaults.items()}
        settings = cls(**values, secrets=SecretSources.of(given))
        lines += [*settings._misfits(), *settings._misfits_of_live()]
        if lines:
            raise BadSetting("\n".join(lines))
        return settings

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """The variables that are fields; those of secrets are secrets.VARIABLES."""
        return tuple(one.name.upper() for one in fields(cls) if one.name != "secrets")

    def _misfits(self) -> Iterator[str]:
        """Values that are allowed alone, but not together."""
        bar_ms = TIMEFRAMES_MS[self.timeframe]
        ttl_sec = 2 * max(self.idempotency_bucket_ms, bar_ms) // 1_000
        if self.price_feed == "fixed" and not self.fixed_price:
            yield "FIXED_PRICE: must be given with PRICE_FEED=fixed, a price above 0"
        if self.clock == "exchange" and not forms.on_loopback(self.exchange_url):
            yield "CLOCK=exchange: must be system unless EXCHANGE_URL is on the loopback"
        if self.idempotency_bucket_ms > bar_ms:
            yield (
                f"IDEMPOTENCY_BUCKET_MS={self.idempotency_bucket_ms}: must be at most a bar of "
                f"TIMEFRAME={self.timeframe}, {bar_ms} ms"
            )
        if self.idempotency_ttl_sec < ttl_sec:
            yield (
                f"IDEMPOTENCY_TTL_SEC={self.idempotency_ttl_sec}: must be at least {ttl_sec}, two "
                f"bars of TIMEFRAME={self.timeframe} and two buckets"
            )
        try:
            self.strategy_in_use  # noqa: B018 - loading it is the check
        except BadSetting as error:
            yield str(error)

    def _misfits_of_live(self) -> Iterator[str]:
        """What real money asks for, and what is only allowed with it."""
        if self.mode == "paper":
            for name in ("SANDBOX", "EXCHANGE_STOP", "EXPIRY_PROVEN"):
                if getattr(self, name.lower()):
                    yield f"{name}=1: must be 0 with MODE=paper, which asks no exchange for money"
            return
        if not self.fixed_amount:
            yield "FIXED_AMOUNT: must be given with MODE=live, the quote to spend on an entry"
        if not self.secrets.offer_credentials:
            yield (
                "API_KEY: must be given with MODE=live, and API_SECRET: as they are, as _FILE, as "
                "_B64, in SECRETS_FILE or in CREDENTIALS_PARAMETER"
            )
        if not self.trading_parameter:
            yield "TRADING_PARAMETER: must be given with MODE=live, it is the switch that stops it"
        if self.price_feed == "fixed":
            yield "PRICE_FEED=fixed: must be live with MODE=live"
        if self.exchange_id != "gate":
            yield f"EXCHANGE={self.exchange}: must be gateio with MODE=live; others serve prices"

    @property
    def account_name(self) -> str:
        """Whose money moves: paper, sandbox or live."""
        return _account_name({"mode": self.mode, "sandbox": self.sandbox})

    @property
    def embedded_cloud(self) -> bool:
        """AWS is played by a program on this machine."""
        return forms.on_loopback(self.aws_endpoint_url)

    @property
    def embedded_exchange(self) -> bool:
        """The exchange is played by a program on this machine."""
        return forms.on_loopback(self.exchange_url)

    @property
    def exchange_id(self) -> str:
        """The exchange's name at ccxt, which calls gateio gate."""
        return "gate" if self.exchange == "gateio" else self.exchange

    @property
    def owner(self) -> str:
        """Who holds the instance lock: this deployment, told apart from another like it."""
        return f"{self.deployment_tag} of {self.deployment_id}"

    @property
    def service(self) -> str:
        """This deployment's name in logs and metrics."""
        return f"crypto-ai-bot-{self.deployment_tag}"

    @property
    def strategy_in_use(self) -> Strategy:
        """The strategy that STRATEGY names, with its parameters."""
        return registry.load(self.strategy, self.strategy_parameters)

    @property
    def risk_limits(self) -> RiskLimits:
        """The caps of the risk gate."""
        return RiskLimits(
            cooldown_ms=self.risk_cooldown_sec * 1_000,
            spread_pct_max=self.risk_max_spread_pct,
            position_base_max=self.risk_max_position_base,
            orders_per_hour_max=self.risk_max_orders_per_hour,
            daily_loss_quote_max=self.risk_daily_loss_limit_quote,
            exposure_quote_max=self.risk_max_exposure_quote,
        )

    @property
    def stop_rules(self) -> StopRules:
        """The protective exits."""
        return StopRules(
            hard_pct=self.stop_hard_pct,
            trailing_pct=self.stop_trailing_pct,
            atr_multiple=self.stop_atr_multiple,
            break_even_pct=self.break_even_pct,
            time_ms=self.time_stop_sec * 1_000,
            take_profit=self.take_profit_steps,
        )


def load_env_file(path: Path) -> None:
    """Sets this process's variables from a `.env` file, where they are not set already.

    So that a command and the libraries under it see the same. Raises BadSetting as `read_env_file`.
    """
    for name, value in read_env_file(path).items():
        os.environ.setdefault(name, value)  # noqa: TID251 - this is the file for it


def _misspelt(given: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    for prefix in _GUARDED:
        family = [name for name in known if name.startswith(prefix)]
        for name in given:
            if name.startswith(prefix) and name not in family:
                yield f"{name}: no such variable; there are {', '.join(family)}"


_PAPER_AMOUNT: Final = Decimal(100)
# In this order: some look at what those before them gave.
_DEFAULTS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "symbols": lambda found: (found["symbol"],),
    "strategy_parameters": lambda _: {},
    "fixed_amount": lambda found: _PAPER_AMOUNT if found["mode"] == "paper" else ZERO,
    "deployment_tag": _account_name,
    "deployment_id": lambda _: node(),
    "lock_table_name": lambda found: found["table_name"],
}


def _values(given: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The value of each field that is given or has a default, and a line for each wrong one."""
    values: dict[str, Any] = {}
    wrong = []
    for one in fields(Settings):
        text = given.get(one.name.upper())
        if text is None or _FORM not in one.metadata:
            if one.default is not MISSING:
                values[one.name] = one.default
            continue
        try:
            values[one.name] = one.metadata[_FORM](text)
        except ValueError as error:
            wrong.append(f"{one.name.upper()}={_shown(text)}: {error}")
    return values, wrong


def _shown(text: str) -> str:
    """The value on one line; hidden where it could carry a password."""
    if "@" in text:
        return "***"
    return text if text.isprintable() else repr(text)
