"""Tests of linkweir.edge."""
