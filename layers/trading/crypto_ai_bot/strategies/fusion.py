"""Fusion: several strategies vote by weight; what most of the weight says is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies import base, registry
from crypto_ai_bot.strategies.candles import Candles


@dataclass(frozen=True, slots=True)
class Strategy:
    """`members` by name, each with `:weight` (1 without), with their own default parameters.

    A member's last word counts for `bars` bars: its weight for an entry, and against one for an
    exit. From `enter` up the sum by all weight, -1 … 1, enters, and from `leave` down it leaves.
    """

    members: str = "ema_cross:2 donchian_breakout rsi_momentum"
    bars: int = 12
    enter: float = 0.5
    leave: float = -0.5

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        if self.bars < 1:
            raise ValueError(f"bars={self.bars}: must be at least 1")
        if not 0 < self.enter <= 1:
            raise ValueError(f"enter={self.enter:g}: must be above 0 and at most 1")
        if not -1 <= self.leave < 0:
            raise ValueError(f"leave={self.leave:g}: must be below 0 and at least -1")
        try:
            self._members()
        except (BadSetting, ValueError) as error:
            raise ValueError(f"members={self.members}: {error}") from None

    @property
    def warm_up_bars(self) -> int:
        """That of the slowest member, and as long as its word counts."""
        return max(member.warm_up_bars for _, member in self._members()) + self.bars

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Speaks on the bars on which a member does, if the sum is far enough then."""
        members = self._members()
        streams = [base.turns(member, candles.again()) for _, member in members]
        due = [next(stream, None) for stream in streams]
        words = [(-self.bars, Signal(Action.HOLD))] * len(members)
        soonest = _soonest(due)
        for bar, _ in enumerate(candles.closes()):
            if bar < soonest:
                continue
            atr = 0.0
            for number, stream in enumerate(streams):
                while (word := due[number]) and word[0] == bar:
                    words[number] = word
                    atr = word[1].atr or atr
                    due[number] = next(stream, None)
            soonest = _soonest(due)
            heard = [
                (weight, signal)
                for (weight, _), (spoken, signal) in zip(members, words, strict=True)
                if bar - spoken < self.bars
            ]
            yield from self._verdict(heard, sum(weight for weight, _ in members), atr)

    def _verdict(
        self, heard: list[tuple[float, Signal]], all_weight: float, atr: float
    ) -> Iterator[Signal]:
        """The signal that the words heard add up to, if there is one."""
        entering = sum(weight for weight, word in heard if word.action is Action.ENTER)
        leaving = sum(weight for weight, word in heard if word.action is Action.EXIT)
        score = (entering - leaving) / all_weight
        if self.leave < score < self.enter:
            return
        action = Action.ENTER if score > 0 else Action.EXIT
        reasons = (reason for _, word in heard if word.action is action for reason in word.reasons)
        yield Signal(action, score, tuple(reasons), atr)

    def _members(self) -> list[tuple[float, base.Strategy]]:
        """Weight and strategy of each. Raises ValueError or BadSetting for what is neither."""
        found = []
        for word in self.members.split():
            name, _, weight = word.partition(":")
            if name == "fusion":
                raise ValueError("a fusion cannot be its own member")
            number = float(weight or 1)
            if not (isfinite(number) and number > 0):
                raise ValueError(f"{word}: a weight must be above 0")
            found.append((number, registry.load(name, {})))
        if not found:
            raise ValueError("must name strategies, as in ema_cross:2 rsi_momentum")
        return found


def _soonest(due: list[tuple[int, Signal] | None]) -> float:
    return min((word[0] for word in due if word), default=inf)
