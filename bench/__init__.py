"""Benchmarks: what is measured (`what`), who is measured (`who`), against which floors (`floors`), and how
(`how`).

`python -m bench` prints one table, `python -m bench.regression_guard` judges the stated ratios, `pytest bench
--benchmark-only` gives pytest-benchmark's own view, `python -m bench.complexity` shows how cost grows on hostile
input.
"""
