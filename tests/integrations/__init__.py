"""Tests of integrations, each with the real package."""
