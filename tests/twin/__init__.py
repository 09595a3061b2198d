"""The twin: the link rules written once more, slowly and plainly, straight from the HTML standard.

It defines right. Nothing here is shared with the package it judges, and nothing here is fast.
"""

from .scan import TwinLink, doubtful, encoding_refused, scan
from .splice import TwinRefusedError, rewrite
from .switches import TwinSwitches

__all__ = ["TwinLink", "TwinRefusedError", "TwinSwitches", "doubtful", "encoding_refused", "rewrite", "scan"]
