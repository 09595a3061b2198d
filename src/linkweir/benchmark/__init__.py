"""Benchmarks of link rewriting: engines, interleaved rounds, and judgement of documents of the user's own.

`linkweir bench` runs it on a user's documents, `python -m bench` on generated ones.
"""

from linkweir.benchmark.answer_check import Correctness, WrongAnswerError, check_output
from linkweir.benchmark.engine_registry import load_engine, load_engines
from linkweir.benchmark.interleaved_rounds import Samples, Work, compute_ratio, repeat, run_interleaved
from linkweir.benchmark.rewriting_engine import CONSTANT, Engine, EngineNotInstalledError, Replace

__all__ = [
    "CONSTANT",
    "Correctness",
    "Engine",
    "EngineNotInstalledError",
    "Replace",
    "Samples",
    "Work",
    "WrongAnswerError",
    "check_output",
    "compute_ratio",
    "load_engine",
    "load_engines",
    "repeat",
    "run_interleaved",
]
