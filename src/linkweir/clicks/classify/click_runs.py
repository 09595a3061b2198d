"""Runs of hits: how fast, how completely and in what order the links of a mail were followed around each hit.

Knows what a run looks like and refuses to know what that means: the rules say so. What is said of a hit depends only
on hits within REACH of it, so that a hit's verdict is settled once REACH has passed.
"""

from dataclasses import dataclass

from linkweir.clock import SECOND_US

RUN_REACH_US = 300 * SECOND_US  # how far from a hit a run of its source is looked for, either way
DRIP_REACH_US = 1800 * SECOND_US  # the same for links that are followed minutes apart
MAX_NEIGHBOURS = 64  # hits of a run that are looked at on either side: a flood must not cost its square


@dataclass(frozen=True, slots=True)
class ClickRun:
    """What a source did around a hit: `links` distinct links over `seconds`, from `began_at` on and `sources` networks.

    `longest` and `shortest` pause between links seen for the first time, in seconds; `evenness` is their deviation over
    their mean (0: a clock's), or 1 for too few; `ascending`: from the top of the mail to its end, `repeats`: links that
    were followed again.
    """

    started_at: int | None
    links: int
    duration_seconds: float
    source_count: int
    longest_pause: float
    shortest_pause: float
    pace_variation: float
    ascending: bool
    repeats: int


SINGLE_CLICK_RUN = ClickRun(None, 1, 0.0, 1, 0.0, 0.0, 1.0, False, 0)
