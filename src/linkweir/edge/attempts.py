"""How often people may try to sign in to the dashboard; counted in the memory of this process."""

from dataclasses import dataclass, field

from linkweir.edge.limits import Limits


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often people may try: ten at once from one address and twenty at one user, then one in so many seconds."""

    by_address: Limits = field(default_factory=lambda: Limits(1 / 30, 10))
    by_user: Limits = field(default_factory=lambda: Limits(1 / 60, 20))

    def take(self, where: str | None, email: str) -> None:
        """One attempt. Raises TooMany."""
        self.by_address.take(where or "")
        self.by_user.take(email)
