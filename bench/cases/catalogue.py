"""The list of cases, each made once per run."""

from functools import cache

from bench.cases.dense import generate_dense
from bench.cases.hostile import generate_hostile
from bench.cases.newsletter import generate_newsletter
from linkweir.benchmark.case import Case

CASE_FACTORIES = {
    "newsletter 10 KB": lambda name: generate_newsletter(name, 10_000),
    "newsletter 100 KB": lambda name: generate_newsletter(name, 100_000),
    "newsletter 1 MB": lambda name: generate_newsletter(name, 1_000_000),
    "link-dense 100 KB": lambda name: generate_dense(name, 100_000),
    "hostile 100 KB": lambda name: generate_hostile(name, 100_000),
}


@cache
def load_case(name: str) -> Case:
    """The case of that name. Raises KeyError for an unknown one."""
    return CASE_FACTORIES[name](name)


def list_cases() -> list[Case]:
    """Every case, in the order of the table."""
    return [load_case(name) for name in CASE_FACTORIES]
