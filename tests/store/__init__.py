"""Tests of linkweir.store."""
