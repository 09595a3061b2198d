"""What rules ask of a record: of what a program, or a fleet, was with other messages."""

from collections.abc import Callable
from functools import lru_cache

from linkweir.clicks.classify.classification import Reputation
from linkweir.clock import SECOND_US

PEOPLE_RATIO = 6  # people click from a data centre if they do so in more than a seventh of its messages
SCANNER_RATIO = 8  # a program is a scanner's if it was a machine at least that many times as often as a person
SOME_READERS_RATIO = 4  # a program that scanned more often than that for each message it read is no reader's
RECORD_CACHE_SIZE = 4096  # more than there are records, whose messages are bounded
LONG_HISTORY_US = 12 * 3600 * SECOND_US  # by then people from the same place and with the same browser would have shown


def is_of_people(record: Reputation) -> bool:
    return record.human_messages >= max(2, 2 * record.machine_messages)


def is_of_some_readers(record: Reputation) -> bool:
    return record.human_messages >= max(1, record.machine_messages / SOME_READERS_RATIO)


def is_mostly_scanned(record: Reputation) -> bool:
    return record.machine_messages >= max(1, 2 * record.human_messages)


def is_of_scans(record: Reputation) -> bool:
    """A record of scanning, and hardly any of people: they may be there too, with the same browser."""
    return record.machine_messages >= 2 and record.human_messages * SCANNER_RATIO <= record.machine_messages


def is_of_many_scans(record: Reputation) -> bool:
    return record.machine_messages >= 4 and is_of_scans(record)


def is_of_long_scanning(record: Reputation) -> bool:
    return record.machine_messages >= 8 and not record.human_messages and record.age_us >= LONG_HISTORY_US


def has_few_people(record: Reputation) -> bool:
    return record.human_messages * PEOPLE_RATIO <= record.machine_messages


# All that rules ask of a record, be it a program's or a fleet's: records with the same answers are alike to them.
RECORD_TESTS = (
    *(is_of_people, is_of_some_readers, is_mostly_scanned, is_of_scans, is_of_many_scans, is_of_long_scanning),
    has_few_people,
)


def answers(record: Reputation | None, test: Callable[[Reputation], bool]) -> bool:
    return record is not None and test(record)


def describe_record(record: Reputation | None) -> int | None:
    """All that rules see of a record, as bits; None: there is none."""
    if record is None:
        return None
    return _describe(record.machine_messages, record.human_messages, record.age_us >= LONG_HISTORY_US)


@lru_cache(RECORD_CACHE_SIZE)
def _describe(machine_messages: int, human_messages: int, is_long: bool) -> int:
    record = Reputation(machine_messages, human_messages, LONG_HISTORY_US if is_long else 0)
    return sum(test(record) << number for number, test in enumerate(RECORD_TESTS))
