"""Columns of aggregates: which verdicts there are, and which of them count.

A click *counts* when a person may have made it: its verdict is `human` or `unsure`, and it was no HEAD. Machines and
prefetches are shown beside them and move neither `click_count` nor `clicked_count`, the status, `first` or clickers:
a number that scanners inflate cannot be believed, and one that leaves out whoever is in doubt loses people. Clicks of
the sender's own people are neither and stand apart.
"""

from typing import Final

VERDICTS: Final = ("human", "machine", "prefetch", "unsure", "internal")  # columns of the sums, in their order
JUDGED_VERDICTS: Final = VERDICTS[:-1]  # of those who are not the sender's own people
COUNTED_VERDICTS: Final = ("human", "unsure")
EXPECTED_LINK_COUNTS: Final = ("expected_clicks", "expected_clicks_variance")  # of `message_links`
EXPECTED_MESSAGE_COUNTS: Final = ("hit_count", "likely_count", *EXPECTED_LINK_COUNTS, "clicked_basis_points")
