"""Tests of linkweir.clicks."""
