"""Every cap, named with its unit. 0 turns one off."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal

from crypto_ai_bot.domain.money import ZERO, plain


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """What the gate holds a request against. Protective sells are held against none of these.

    `cooldown_ms` from the last entry of the symbol; `spread_pct_max` of the mid price;
    `position_base_max` of one symbol; `orders_per_hour_max` and `exposure_quote_max` over all
    symbols; `daily_loss_quote_max` as a positive amount, realised and open losses together.
    """

    cooldown_ms: int = 0
    spread_pct_max: Decimal = ZERO
    position_base_max: Decimal = ZERO
    orders_per_hour_max: int = 0
    daily_loss_quote_max: Decimal = ZERO
    exposure_quote_max: Decimal = ZERO

    def day_is_lost(self, loss_quote: Decimal) -> bool:
        """A day's loss, a positive amount, has reached what may be lost in a day."""
        return bool(self.daily_loss_quote_max) and loss_quote >= self.daily_loss_quote_max

    def as_json(self) -> Mapping[str, str | int]:
        """The caps by name, amounts as plain strings."""
        return {
            name: plain(value) if isinstance(value, Decimal) else value
            for name, value in asdict(self).items()
        }
