"""HTML in, HTML with tracking links out. No I/O, no framework."""

from linkweir.html.document import rewrite, scan
from linkweir.html.link import Link
from linkweir.html.lint import Finding, check
from linkweir.html.outcome import REASONS, Outcome
from linkweir.html.plan import Plan
from linkweir.html.resolver import Links
from linkweir.html.rewriter import Rewriter, arewrite_chunks, rewrite_chunks, rewrite_file
from linkweir.html.switches import Switches

__all__ = [
    "REASONS",
    "Finding",
    "Link",
    "Links",
    "Outcome",
    "Plan",
    "Rewriter",
    "Switches",
    "arewrite_chunks",
    "check",
    "rewrite",
    "rewrite_chunks",
    "rewrite_file",
    "scan",
]
