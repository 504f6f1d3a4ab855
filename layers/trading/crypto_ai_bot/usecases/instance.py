"""Holding the instance lock: in live, no run does anything before it knows that it may."""

from dataclasses import dataclass
from typing import Final

from crypto_ai_bot.domain.errors import AnotherDeployment, StoreUnavailable
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.ports.store import Replace, Store

HELD_FOR_MS: Final = 600_000
RENEWED_BELOW_MS: Final = 300_000  # a run lives one minute: it ends long before the lease does
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Instance:
    """Whose lock, and where it stands: the table that deployments with this key share."""

    locks: Store
    fingerprint: str
    owner: str


def hold(instance: Instance, clock: Clock) -> None:
    """Returns when this deployment holds the lock for longer than any run of it can last.

    Costs one read, and a write every five minutes. Raises AnotherDeployment, with who has it and
    until when; StoreUnavailable when it cannot be known.
    """
    for _ in range(TRIES):
        lock = instance.locks.instance_lock(instance.fingerprint)
        now_ms = clock.now_ms()
        if not lock.free_for(instance.owner, now_ms):
            left_seconds = (lock.expires_ms - now_ms) // 1_000
            raise AnotherDeployment(
                f"the exchange account of key {instance.fingerprint} is traded by {lock.owner}, "
                f"for {left_seconds} s more unless it renews: stop that deployment, or give this "
                "one a key of its own"
            )
        if lock.owner == instance.owner and lock.expires_ms - now_ms > RENEWED_BELOW_MS:
            return
        if not instance.locks.commit([Replace(lock.taken(instance.owner, now_ms + HELD_FOR_MS))]):
            return
    raise StoreUnavailable("the instance lock kept changing hands")


def let_go(instance: Instance, clock: Clock) -> None:
    """Gives the lock back before its time; nothing happens when somebody else has it by now."""
    lock = instance.locks.instance_lock(instance.fingerprint)
    if lock.owner == instance.owner:
        instance.locks.commit([Replace(lock.taken(instance.owner, clock.now_ms()))])
