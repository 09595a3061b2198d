"""The documents that are measured, each with the answer that an engine must give."""

from bench.what.case import Case, Site
from bench.what.cases import all_cases, case
from bench.what.newsletter import newsletter

__all__ = ["Case", "Site", "all_cases", "case", "newsletter"]
