"""Which clicks of one message are its first counted ones: of all, and on each link, from each country, and so on.

Clickers are counted by these. A verdict that changes, or a fact that comes late, moves them.
"""

from collections.abc import Callable, Iterable

from linkweir.click.single import BIT, Click, Key

Later = Callable[[int], Iterable[Click]]  # the message's counted clicks in the store from a moment on, oldest first


class Firsts:
    """The first ones of one message, beginning with those in the store. Changes `bits` of the clicks."""

    def __init__(self, holders: Iterable[Click]) -> None:
        self._holders: dict[Key, Click] = {}
        for click in holders:
            for key in click.own:
                if click.bits & BIT[key[0]]:
                    self._holders[key] = click

    def update(self, clicks: Iterable[Click], later: Later) -> None:
        """Take in clicks that are new or whose verdict changed. `later` is asked only when a first one was lost, and
        read no further than to those who take its place.
        """
        offered: list[Click] = []
        lost: dict[Key, Click] = {}
        for click in clicks:
            if click.counts:
                offered.append(click)
            elif click.bits:
                lost |= self._lose(click)
        for click in offered:
            self._offer(click, click.own)
        if lost:
            self._replace(lost, later)

    def at(self, position: int) -> int | None:
        """When the first counted click on the link in this place was made; None: there was none."""
        times = [one.at for key, one in self._holders.items() if key[0] == "link" and one.position == position]
        return min(times, default=None)

    def _lose(self, click: Click) -> dict[Key, Click]:
        keys = [key for key in click.own if click.bits & BIT[key[0]]]
        for key in keys:
            del self._holders[key]
        click.bits = 0
        return dict.fromkeys(keys, click)

    def _offer(self, click: Click, keys: Iterable[Key]) -> None:
        for key in keys:
            holder = self._holders.get(key)
            if holder is None or click.order < holder.order:
                if holder is not None:
                    holder.bits &= ~BIT[key[0]]
                self._holders[key] = click
                click.bits |= BIT[key[0]]

    def _replace(self, lost: dict[Key, Click], later: Later) -> None:
        # nothing that counts is older than a first one that was lost: whoever reads on from there reads each click
        # at most once for each time that a first one moves on
        for click in later(min(one.at for one in lost.values())):
            found = [key for key in click.own if key in lost]
            self._offer(click, found)
            for key in found:
                del lost[key]
            if not lost:
                return
