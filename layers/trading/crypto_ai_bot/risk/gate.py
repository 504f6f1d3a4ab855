"""The only maker of permission.

A request becomes an order only as `Approved`, and only `review` makes one (a test holds both).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crypto_ai_bot.domain.order import OrderRequest, Side
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.risk.rules import ENTRY_RULES, EXIT_RULES, Facts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate answers: every objection, not only the first, and the limits it used."""

    reasons: tuple[str, ...]
    limits: RiskLimits

    @property
    def ok(self) -> bool:
        """Nothing objects."""
        return not self.reasons

    def as_json(self) -> Mapping[str, Any]:
        """`{"ok": bool, "reasons": [...], "limits": {...}}`."""
        return {
            "ok": self.ok,
            "reasons": list(self.reasons),
            "limits": dict(self.limits.as_json()),
        }


@dataclass(frozen=True, slots=True)
class Approved:
    """A permitted request, the attempt it may make in its slot, and the facts it was judged on.

    The permission holds for these facts alone: the order's transaction proves them unchanged.
    """

    request: OrderRequest
    attempt: int
    facts: Facts
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that must not become an order, and why."""

    request: OrderRequest
    verdict: Verdict


def refuse_unasked(request: OrderRequest, trouble: str, limits: RiskLimits) -> Refused | None:
    """The refusal of an entry before anything is asked of a failing exchange; None to go on."""
    if request.side is Side.SELL or not trouble:
        return None
    return Refused(request, Verdict((f"exchange: {trouble}",), limits))


def review(request: OrderRequest, facts: Facts, limits: RiskLimits) -> Approved | Refused:
    """Judges `request` on the worst case: pending buys count as bought, pending sells as sold."""
    rules = ENTRY_RULES if request.side is Side.BUY else EXIT_RULES
    objections = (rule(request, facts, limits) for rule in rules)
    verdict = Verdict(tuple(reason for reason in objections if reason), limits)
    attempt = facts.ledger.next_attempt(request.purpose, request.slot_ms)
    if attempt is None or not verdict.ok:
        return Refused(request, verdict)
    return Approved(request, attempt, facts, verdict)
