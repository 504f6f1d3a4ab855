"""What a rehearsal is to be, decided from what was asked for: pure, so that each rule is a test."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto_ai_bot.local.errors import RehearsalError
from crypto_ai_bot.local.moments import MINUTE_MS, minute_of, moment_ms, moment_text
from crypto_ai_bot.local.parameters import parameter_name

EMBEDDED: Final = "embedded"
GATE: Final = "gate"
CREDENTIALS_PARAMETER: Final = "/crypto-ai-bot/rehearsal-credentials"
_EXCHANGES: Final = {"": EMBEDDED, EMBEDDED: EMBEDDED, "gate": GATE, "gateio": GATE}
_REPLAY_SPEED: Final = 60.0
_DEFAULT_SYMBOL: Final = "BTC/USDT"
_LIVE_AMOUNT: Final = "100"  # quote; live itself has no default
_SEED: Final = 7
_PCT_MAX: Final = 50.0
_MINUTES_MAX: Final = 10_000.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, as it was typed; empty is not asked for."""

    ticks: str = ""
    data: tuple[str, ...] = ()
    start: str = ""
    speed: str = ""
    exchange: str = ""
    faults: str = ""
    kill: str = ""
    seed: str = ""
    settings: Mapping[str, str] | None = None

    @property
    def live(self) -> bool:
        """Real orders, on an exchange of our own making."""
        return (self.settings or {}).get("MODE") == "live"


@dataclass(frozen=True, slots=True)
class Plan:
    """One rehearsal. `speed` is in market seconds a real second, 0 as fast as it goes.

    `scheduled`: the cloud's own schedules fire, in real time. Otherwise we fire `ticks` minutes
    (None: until the data ends, or Ctrl-C) along a market whose time we hold. `faults_pct` of the
    exchange's calls are spoilt, and a function is killed every `kill_minutes`; 0 for neither.
    """

    exchange: str
    scheduled: bool
    ticks: int | None
    speed: float
    data: tuple[str, ...]
    start_ms: int | None
    fresh: bool
    settings: Mapping[str, str]
    live: bool = False
    faults_pct: float = 0.0
    kill_minutes: float = 0.0
    seed: int = _SEED

    @property
    def troubled(self) -> bool:
        """Things go wrong on purpose."""
        return bool(self.faults_pct or self.kill_minutes)

    @property
    def pairs(self) -> tuple[str, ...]:
        """The pairs of a made-up market, in the exchange's words."""
        symbols = self.settings.get("SYMBOLS") or self.settings.get("SYMBOL") or _DEFAULT_SYMBOL
        return tuple(symbol.strip().replace("/", "_") for symbol in symbols.split(","))

    def parameters(self, exchange_url: str, market_pairs: Sequence[str]) -> dict[str, str]:
        """The template parameters, once the exchange is up and says what it trades."""
        settings = dict(self.settings)
        if self.data and not {"SYMBOL", "SYMBOLS"} & settings.keys():
            settings["SYMBOLS"] = ",".join(pair.replace("_", "/") for pair in market_pairs)
        if self.exchange == EMBEDDED:
            settings |= {"EXCHANGE_URL": exchange_url, "CLOCK": "exchange"}
        if self.live:
            settings["CREDENTIALS_PARAMETER"] = CREDENTIALS_PARAMETER
            settings.setdefault("FIXED_AMOUNT", _LIVE_AMOUNT)
        parameters = {parameter_name(name): value for name, value in settings.items()}
        return {**parameters, "SchedulesState": "ENABLED" if self.scheduled else "DISABLED"}


def home_of(wish: Wish, made: Path) -> Path:
    """Where the rehearsal lives: one account a market, so that prices and times do not mix.

    Live has a place of its own, and never meets a paper account.
    """
    made = made / "live" if wish.live else made
    if not wish.data:
        return made / "gate" if _EXCHANGES.get(wish.exchange) == GATE else made
    names = [str(Path(file.partition("=")[2] or file).resolve()) for file in wish.data]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:6]
    first = re.sub(r"(\.csv)?(\.gz)?$", "", Path(names[0]).name)
    return made / "replays" / f"{first}-{digest}"


def plan_of(wish: Wish, *, now_ms: int, remembered_ms: int | None) -> Plan:
    """Decide; a RehearsalError for what does not go together.

    `remembered_ms` is how far the market of this account has come: its time never goes back. But a
    live account goes with its exchange, and each rehearsal has a new one.
    """
    exchange = _one_of("EXCHANGE", wish.exchange, _EXCHANGES)
    settings = dict(wish.settings or {})
    remembered_ms = None if wish.live else remembered_ms
    if exchange == GATE:
        _refuse_with_gate(wish, settings)
    ticks = _ticks(wish.ticks)
    speed = _speed(wish.speed, 0.0 if ticks else _REPLAY_SPEED)
    scheduled = not (wish.data or wish.speed or ticks)
    _refuse_what_needs_live(wish, settings, scheduled=scheduled)
    start_ms = minute_of(moment_ms(wish.start, "FROM")) if wish.start else None
    if not wish.data:
        start_ms = _made_up_start(start_ms, now_ms, remembered_ms, scheduled=scheduled)
    return Plan(
        exchange=exchange,
        scheduled=scheduled,
        ticks=ticks,
        speed=speed,
        data=wish.data,
        start_ms=start_ms if start_ms is not None else remembered_ms,
        fresh=bool(wish.data and wish.start) or remembered_ms is None,
        settings=settings,
        live=wish.live,
        faults_pct=_number("FAULTS", wish.faults, _PCT_MAX, "per cent of the exchange's calls"),
        kill_minutes=_number("KILL", wish.kill, _MINUTES_MAX, "minutes from a kill to the next"),
        seed=int(_number("SEED", wish.seed, _MINUTES_MAX, "a whole number") or _SEED),
    )


def _refuse_what_needs_live(wish: Wish, settings: Mapping[str, str], *, scheduled: bool) -> None:
    if wish.live and settings.get("SANDBOX") == "1":
        raise RehearsalError("SANDBOX=1: a rehearsal has an exchange of its own; leave it out")
    for name, value in (("FAULTS", wish.faults), ("KILL", wish.kill), ("SEED", wish.seed)):
        if value and not wish.live:
            raise RehearsalError(f"{name}={value}: only with MODE=live, whose books are compared")
        if value and scheduled:
            raise RehearsalError(f"{name}={value}: only with TICKS or DATA, not with the schedules")


def _made_up_start(
    start_ms: int | None, now_ms: int, remembered_ms: int | None, *, scheduled: bool
) -> int:
    earliest_ms = remembered_ms or 0
    if start_ms is not None:
        if start_ms < earliest_ms:
            raise RehearsalError(
                f"FROM={moment_text(start_ms)}: this paper account has come to "
                f"{moment_text(earliest_ms)}; start there or later, or begin anew: make forget"
            )
        return start_ms
    if not scheduled:
        return max(minute_of(now_ms), earliest_ms)
    # The market's minutes must begin with the real ones, at which the schedules fire.
    return now_ms if now_ms >= earliest_ms else earliest_ms + now_ms % MINUTE_MS


def _refuse_with_gate(wish: Wish, settings: Mapping[str, str]) -> None:
    if settings.get("MODE") == "live":
        raise RehearsalError(
            "MODE=live with EXCHANGE=gate: a rehearsal trades no real money, only on the embedded "
            "exchange; leave EXCHANGE out"
        )
    for name, value in (("DATA", wish.data), ("FROM", wish.start), ("SPEED", wish.speed)):
        if value:
            raise RehearsalError(f"{name} with EXCHANGE=gate: its market cannot be moved")


def _one_of(name: str, value: str, allowed: Mapping[str, str]) -> str:
    if value not in allowed:
        raise RehearsalError(f"{name}={value}: allowed is {', '.join(filter(None, allowed))}")
    return allowed[value]


def _ticks(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise RehearsalError(f"TICKS={text}: allowed is a whole number of 1 or more")
    return int(text)


def _number(name: str, text: str, most: float, meaning: str) -> float:
    if not text:
        return 0.0
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= most:
        raise RehearsalError(f"{name}={text}: allowed is {meaning}, above 0 to {most:g}")
    return number


def _speed(text: str, default: float) -> float:
    if not text:
        return default
    try:
        speed = 0.0 if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not 0 <= speed < math.inf:
        raise RehearsalError(
            f"SPEED={text}: allowed is market seconds a real second, 0 or max for no waiting"
        )
    return speed
