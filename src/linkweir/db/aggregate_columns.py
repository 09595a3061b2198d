"""Words that sums of clicks are kept in: which verdicts count, along which dimensions, and what the columns mean.

A click *counts* when a person may have made it: its verdict is `human` or `unsure`, and it was no HEAD. Machines and
prefetches are shown beside them and move neither `click_count` nor `clicked_count`, the status, `first` or clickers:
a number that scanners inflate cannot be believed, and one that leaves out whoever is in doubt loses people.
"""

from typing import Final

VERDICTS: Final = ("human", "machine", "prefetch", "unsure")  # columns of the sums, in their order
COUNTED_VERDICTS: Final = ("human", "unsure")

# A click's own dimensions. A clicker counts once along each: in the hour of the message's first counted click there.
UNIQUE_BITS: Final = {"link": 1, "destination": 2, "country": 4, "device": 8, "client": 16}  # of clicks.firsts
UNIQUE_OVERALL_BIT: Final = 32  # of `first`, where both are held as one number
CLICK_DIMENSIONS: Final = tuple(UNIQUE_BITS)
ANONYMOUS_CLICK_DIMENSIONS: Final = ("link", "country", "device")  # of a click that is tied to no message
MESSAGE_DIMENSIONS: Final = (
    "tag",
    "sender_domain",
    "recipient_domain",
    "variant",
)  # what follows from a click's message
ATTRIBUTE_PREFIX: Final = "attribute:"  # and the recipient's attributes, by name
