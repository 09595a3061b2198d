"""The tracker of each file and mail: one for all, or its own where the message id is a pattern.

Rewriting and its dry runs have it from here, so that the links of both are of the same length.
"""

from linkweir.batch.message import identifier, is_pattern, message_for, refuse_if_read_once
from linkweir.token import KeyRing, Privacy, Tracker


class Trackers:
    """Mints for one file after another; BadSwitch when what the links shall hold cannot be used.

    `message` may be a pattern (see `message_for`); `campaign` is a name or the digits of a number.
    """

    def __init__(
        self,
        ring: KeyRing,
        base_url: str,
        *,
        message: str | None = None,
        campaign: str | None = None,
        privacy: Privacy = Privacy.FULL,
    ) -> None:
        self._ring, self._base_url, self._privacy = ring, base_url, privacy
        self._campaign = None if campaign is None else _campaign(campaign)
        self._pattern = message if message is not None and is_pattern(message) else None
        self._fixed = self._with(message) if self._pattern is None else None

    def of(self, path: str, number: int = 1) -> Tracker:
        """The tracker for mail `number` of the file `path`. Raises Unreadable where the message id needs the file."""
        if self._fixed is not None:
            return self._fixed
        pattern = self._pattern or ""
        refuse_if_read_once(pattern, path)
        return self._with(message_for(pattern.replace("{n}", str(number)), path))

    def _with(self, message: str | None) -> Tracker:
        identity = None if message is None else identifier(message)
        return Tracker(self._ring, self._base_url, message=identity, campaign=self._campaign, privacy=self._privacy)


def _campaign(text: str) -> str | int:
    value = identifier(text)
    return value if isinstance(value, int) else text
