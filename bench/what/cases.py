"""The list of cases, each made once per run."""

from functools import cache

from bench.what.case import Case
from bench.what.dense import dense
from bench.what.hostile import hostile
from bench.what.newsletter import newsletter

MAKERS = {
    "newsletter 10 KB": lambda name: newsletter(name, 10_000),
    "newsletter 100 KB": lambda name: newsletter(name, 100_000),
    "newsletter 1 MB": lambda name: newsletter(name, 1_000_000),
    "link-dense 100 KB": lambda name: dense(name, 100_000),
    "hostile 100 KB": lambda name: hostile(name, 100_000),
}


@cache
def case(name: str) -> Case:
    """The case of that name. Raises KeyError for an unknown one."""
    return MAKERS[name](name)


def all_cases() -> list[Case]:
    """Every case, in the order of the table."""
    return [case(name) for name in MAKERS]
