"""Tests of linkweir.web."""
