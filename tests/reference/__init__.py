"""The twin: the link rules written once more, slowly and plainly, straight from the HTML standard.

It defines right. Nothing here is shared with the package it judges, and nothing here is fast.
"""

from tests.reference.options import ReferenceSwitches
from tests.reference.scan import ReferenceLink, is_ambiguous, is_encoding_refused, scan
from tests.reference.splice import ReferenceRefusedError, rewrite

__all__ = [
    "ReferenceLink",
    "ReferenceRefusedError",
    "ReferenceSwitches",
    "is_ambiguous",
    "is_encoding_refused",
    "rewrite",
    "scan",
]
