"""The engines: ours and its peers, each asked to replace the http(s) `href` of every `a` tag."""

from bench.who.answers import Verdict, judge
from bench.who.engine import Engine, MissingError, Replace
from bench.who.every import engine, engines

__all__ = ["Engine", "MissingError", "Replace", "Verdict", "engine", "engines", "judge"]
