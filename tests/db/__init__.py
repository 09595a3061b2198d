"""Tests of linkweir.db."""
