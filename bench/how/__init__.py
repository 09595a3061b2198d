"""How things are measured: interleaved rounds, compared best with best and pair by pair."""

from bench.how.rounds import Samples, Work, interleave, ratio

__all__ = ["Samples", "Work", "interleave", "ratio"]
