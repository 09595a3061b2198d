"""Tests of linkweir.report."""
