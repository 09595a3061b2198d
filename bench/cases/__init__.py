"""The documents that are measured, each with the answer that an engine must give."""

from bench.cases.catalogue import list_cases, load_case
from bench.cases.newsletter import generate_newsletter
from linkweir.benchmark.case import Case, LinkSite

__all__ = ["Case", "LinkSite", "generate_newsletter", "list_cases", "load_case"]
