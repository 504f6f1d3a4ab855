"""Sets of stops that simulated deployments have, and are redeployed with."""

from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.market import HOUR_MS
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep

_STEP = TakeProfitStep(3, Decimal("0.5"))
STOPS: Final = (
    StopRules(hard_pct=5, trailing_pct=4, take_profit=(_STEP,)),
    StopRules(hard_pct=5),
    StopRules(hard_pct=3, atr_multiple=2, break_even_pct=1),
    StopRules(hard_pct=8, trailing_pct=2, time_ms=HOUR_MS),
)
