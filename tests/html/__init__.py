"""Tests of the html package, each held against the twin and against the real scanner."""
