"""The instance lock: which deployment may trade with an exchange account."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class InstanceLock:
    """A lease on one exchange account, named by the fingerprint of its key.

    `owner` is a deployment, not a run: its functions share the lock. `token` grows with each
    change of owner and is never reset, so it tells who came later.
    """

    fingerprint: str
    owner: str = ""
    token: int = 0
    expires_ms: int = 0
    version: int = 0

    def free_for(self, owner: str, now_ms: int) -> bool:
        """`owner` has it, or nobody does any more."""
        return self.owner == owner or self.expires_ms <= now_ms

    def taken(self, owner: str, expires_ms: int) -> "InstanceLock":
        """The lock held by `owner`; the token grows when the owner changes."""
        token = self.token if self.owner == owner else self.token + 1
        return replace(self, owner=owner, token=token, expires_ms=expires_ms)
