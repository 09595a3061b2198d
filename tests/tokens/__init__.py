"""Tests of tracking links."""
