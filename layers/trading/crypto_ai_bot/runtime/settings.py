"""The one file that reads the environment: every variable, its default and what is allowed.

A variable that is empty is not set. What is wrong stops the start with a BadSetting: for each
variable one line with its name, the value found and what is allowed.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from platform import node
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    NonNegativeInt,
    PlainValidator,
    PositiveInt,
    ValidationError,
    model_validator,
)

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import MINUTE_MS, TIMEFRAMES_MS, Symbol
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.runtime import setting_forms
from crypto_ai_bot.runtime.env_file import read_env_file
from crypto_ai_bot.runtime.secrets import SecretSources
from crypto_ai_bot.strategies import registry
from crypto_ai_bot.strategies.base import Strategy

_Amount = Annotated[Decimal, Field(ge=0)]
_Price = Annotated[Decimal, Field(gt=0)]
_FeePct = Annotated[Decimal, Field(ge=0, lt=100)]
_StopPct = Annotated[float, Field(ge=0, lt=100)]
_GainPct = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Symbol = Annotated[Symbol, PlainValidator(setting_forms.to_symbol)]
_Symbols = Annotated[tuple[Symbol, ...], PlainValidator(setting_forms.to_symbols)]
_Switch = Annotated[bool, PlainValidator(setting_forms.to_switch)]
_Steps = Annotated[tuple[TakeProfitStep, ...], PlainValidator(setting_forms.to_steps)]
_Parameters = Annotated[Mapping[str, Any], PlainValidator(setting_forms.to_parameters)]
_Url = Annotated[str, PlainValidator(setting_forms.to_url)]
_Day = Annotated[int, PlainValidator(setting_forms.to_day_ms)]
_Timeframe = Annotated[str, PlainValidator(setting_forms.one_of(*TIMEFRAMES_MS))]
_Level = Annotated[str, PlainValidator(setting_forms.one_of("DEBUG", "INFO", "WARNING", "ERROR"))]
_Exchange = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]
_Tag = Annotated[str, Field(pattern=r"^[0-9a-z]{1,8}$")]

_PAPER_AMOUNT: Final = Decimal(100)
_GUARDED: Final = ("RISK_", "STOP_")  # a misspelt limit would be a limit that is off


def _account_name(given: Mapping[str, Any]) -> str:
    if given["mode"] == "paper":
        return "paper"
    return "sandbox" if given["sandbox"] else "live"


class Settings(BaseModel):
    """Everything that differs between deployments, checked. Fields are named as the variables are.

    Amounts and prices are in quote unless a name says otherwise; `_pct` is per cent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["paper", "live"] = "paper"
    sandbox: _Switch = False
    exchange: _Exchange = "gateio"
    exchange_url: _Url = ""
    clock: Literal["system", "exchange"] = "system"
    symbol: _Symbol = Symbol("BTC", "USDT")
    symbols: _Symbols = Field(default_factory=lambda given: (given["symbol"],))

    strategy: str = "ema_cross"
    # Minutes, because the jobs fire each minute and a warm-up of minutes is hours, not weeks.
    timeframe: _Timeframe = "1m"
    strategy_parameters: _Parameters = Field(default_factory=dict)
    unified_account: _Switch = False
    exchange_stop: _Switch = False
    order_slippage_pct: _FeePct = ZERO
    fixed_amount: _Price = Field(
        default_factory=lambda given: _PAPER_AMOUNT if given["mode"] == "paper" else ZERO
    )
    price_feed: Literal["fixed", "live"] = "live"
    fixed_price: _Price = ZERO
    paper_quote_balance: _Amount = Decimal(10_000)
    paper_fee_pct: _FeePct = Decimal("0.2")
    paper_slippage_pct: _FeePct = Decimal("0.05")

    risk_cooldown_sec: NonNegativeInt = 60
    risk_max_spread_pct: _Amount = Decimal("0.5")
    risk_max_position_base: _Amount = ZERO
    risk_max_orders_per_hour: NonNegativeInt = 20
    risk_daily_loss_limit_quote: _Amount = ZERO
    risk_max_exposure_quote: _Amount = ZERO

    stop_hard_pct: _StopPct = 5.0
    stop_trailing_pct: _StopPct = 0.0
    stop_atr_multiple: _GainPct = 0.0
    take_profit_steps: _Steps = ()
    break_even_pct: _GainPct = 0.0
    time_stop_sec: NonNegativeInt = 0

    idempotency_bucket_ms: Annotated[int, Field(ge=1_000)] = 10_000
    idempotency_ttl_sec: PositiveInt = 7 * 86_400
    eval_interval_sec: PositiveInt = 60
    exits_interval_sec: Annotated[int, Field(ge=1, le=60)] = 10
    reconcile_interval_sec: PositiveInt = 300
    watchdog_interval_sec: PositiveInt = 60
    dms_timeout_ms: Annotated[int, Field(ge=MINUTE_MS)] = 3 * MINUTE_MS
    backup_retention_days: PositiveInt = 30

    deployment_tag: _Tag = Field(default_factory=_account_name)
    table_name: str = "crypto-ai-bot"
    deployment_id: str = Field(default_factory=node)
    lock_table_name: str = Field(default_factory=lambda given: given["table_name"])
    trading_parameter: str = ""
    aws_endpoint_url: str = ""
    api_key_created: _Day = 0
    log_level: _Level = "INFO"
    secrets: InstanceOf[SecretSources] = Field(default_factory=SecretSources)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Reads the variables; those of this process unless others are given.

        Raises BadSetting, a line for each variable that is wrong.
        """
        found = os.environ if environ is None else environ  # noqa: TID251 - this is the file for it
        given = {name: text.strip() for name, text in found.items() if text.strip()}
        fields = {name.lower(): text for name, text in given.items() if name in cls.variables()}
        lines = list(_misspelt(given, cls.variables()))
        try:
            settings = cls.model_validate({**fields, "secrets": SecretSources.of(given)})
        except ValidationError as error:
            # From None: the original shows the values of all fields.
            raise BadSetting("\n".join([*lines, *_lines(error)])) from None
        if lines:
            raise BadSetting("\n".join(lines))
        return settings

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """The variables that are fields; those of secrets are secrets.VARIABLES."""
        return tuple(name.upper() for name in cls.model_fields if name != "secrets")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if lines := [*self._misfits(), *self._misfits_of_live()]:
            raise ValueError("\n".join(lines))
        return self

    def _misfits(self) -> Iterator[str]:
        """Values that are allowed alone, but not together."""
        bar_ms = TIMEFRAMES_MS[self.timeframe]
        ttl_sec = 2 * max(self.idempotency_bucket_ms, bar_ms) // 1_000
        if self.price_feed == "fixed" and not self.fixed_price:
            yield "FIXED_PRICE: must be given with PRICE_FEED=fixed, a price above 0"
        if self.clock == "exchange" and not setting_forms.on_loopback(self.exchange_url):
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
            for name in ("SANDBOX",) * self.sandbox + ("EXCHANGE_STOP",) * self.exchange_stop:
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
        return setting_forms.on_loopback(self.aws_endpoint_url)

    @property
    def embedded_exchange(self) -> bool:
        """The exchange is played by a program on this machine."""
        return setting_forms.on_loopback(self.exchange_url)

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


def _lines(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_context=False):
        message = re.sub(r"^(Value error, |\w+ should(?= ))", _opening, found["msg"])
        if found["type"] == "default_factory_not_called":
            continue  # the variable that its default depends on has a line of its own
        if not found["loc"]:
            yield message  # from _fit_together: whole lines already
        else:
            yield f"{str(found['loc'][0]).upper()}={_shown(found['input'])}: {message}"


def _opening(match: re.Match[str]) -> str:
    return "" if match[0].startswith("Value") else "must"


def _shown(value: object) -> str:
    """The value on one line; hidden where it could carry a password."""
    text = str(value)
    if "@" in text:
        return "***"
    return text if text.isprintable() else repr(text)
