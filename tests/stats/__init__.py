"""Tests of linkweir.stats."""
