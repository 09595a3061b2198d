"""Tests of linkweir.click."""
