"""The tracker of each file and mail: one for all, or its own where the message id is a pattern.

Rewriting and its dry runs have it from here, so that the links of both are of the same length.
"""

from linkweir.bulk.message_id_pattern import expand_pattern, is_pattern, parse_message_id, require_rereadable
from linkweir.tokens import KeyRing, Privacy, Tracker


class TrackerFactory:
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
        self._keyring, self._base_url, self._privacy = ring, base_url, privacy
        self._campaign = None if campaign is None else _parse_campaign(campaign)
        self._pattern = message if message is not None and is_pattern(message) else None
        self._shared_tracker = self._make_for_message(message) if self._pattern is None else None

    def make_tracker(self, path: str, number: int = 1) -> Tracker:
        """Return the tracker for mail `number`. Raises UnreadableInput where the message id needs the file."""
        if self._shared_tracker is not None:
            return self._shared_tracker
        pattern = self._pattern or ""
        require_rereadable(pattern, path)
        return self._make_for_message(expand_pattern(pattern.replace("{n}", str(number)), path))

    def _make_for_message(self, message: str | None) -> Tracker:
        identity = None if message is None else parse_message_id(message)
        return Tracker(self._keyring, self._base_url, message=identity, campaign=self._campaign, privacy=self._privacy)


def _parse_campaign(text: str) -> str | int:
    value = parse_message_id(text)
    return value if isinstance(value, int) else text
