"""The engines: ours and its peers, each asked to replace the http(s) `href` of every `a` tag."""

from bench.engines.base import Engine, EngineNotInstalledError, Replace
from bench.engines.correctness import Correctness, check_output
from bench.engines.registry import load_engine, load_engines

__all__ = ["Correctness", "Engine", "EngineNotInstalledError", "Replace", "check_output", "load_engine", "load_engines"]
