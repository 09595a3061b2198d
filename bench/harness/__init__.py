"""How things are measured: interleaved rounds, compared best with best and pair by pair."""

from bench.harness.rounds import Samples, Work, compute_ratio, run_interleaved

__all__ = ["Samples", "Work", "compute_ratio", "run_interleaved"]
