"""Tests of linkweir.mail."""
