"""Unique clicks: the first counted click of a message, overall and on each link, from each country, and so on.

Clickers are counted by these. A verdict that changes, or an event that comes late, moves them.
"""

from collections.abc import Callable, Iterable

from linkweir.clicks.ingest.click import DIMENSION_FLAGS, Click
from linkweir.db.dimensions import DimensionValue

LoadLaterClicks = Callable[
    [int], Iterable[Click]
]  # the message's counted clicks in the database from a moment on, oldest first


class UniqueClicks:
    """The first ones of one message, beginning with those in the database. Changes `bits` of the clicks."""

    def __init__(self, stored: Iterable[Click]) -> None:
        self._current: dict[DimensionValue, Click] = {}
        for click in stored:
            for key in click.own_dimensions:
                if click.unique_flags & DIMENSION_FLAGS[key[0]]:
                    self._current[key] = click

    def update(self, clicks: Iterable[Click], load_later: LoadLaterClicks) -> None:
        """Take in clicks that are new or whose verdict changed. `load_later` is asked only when a first one was lost,
        and read no further than to those who take its place.
        """
        offered: list[Click] = []
        lost: dict[DimensionValue, Click] = {}
        for click in clicks:
            if click.is_counted:
                offered.append(click)
            elif click.unique_flags:
                lost |= self._release(click)
        for click in offered:
            self._claim(click, click.own_dimensions)
        if lost:
            self._promote_next(lost, load_later)

    def first_click_at(self, position: int) -> int | None:
        """When the first counted click on the link in this place was made; None: there was none."""
        times = [click.at for key, click in self._current.items() if key[0] == "link" and click.position == position]
        return min(times, default=None)

    def _release(self, click: Click) -> dict[DimensionValue, Click]:
        keys = [key for key in click.own_dimensions if click.unique_flags & DIMENSION_FLAGS[key[0]]]
        for key in keys:
            del self._current[key]
        click.unique_flags = 0
        return dict.fromkeys(keys, click)

    def _claim(self, click: Click, keys: Iterable[DimensionValue]) -> None:
        for key in keys:
            holder = self._current.get(key)
            if holder is None or click.sort_key < holder.sort_key:
                if holder is not None:
                    holder.unique_flags &= ~DIMENSION_FLAGS[key[0]]
                self._current[key] = click
                click.unique_flags |= DIMENSION_FLAGS[key[0]]

    def _promote_next(self, lost: dict[DimensionValue, Click], load_later: LoadLaterClicks) -> None:
        # nothing that counts is older than a first one that was lost: whoever reads on from there reads each click
        # at most once for each time that a first one moves on
        for click in load_later(min(unique.at for unique in lost.values())):
            promoted = [key for key in click.own_dimensions if key in lost]
            self._claim(click, promoted)
            for key in promoted:
                del lost[key]
            if not lost:
                return
