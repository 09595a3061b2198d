"""Webhooks: message events, the outbox of waiting requests, their delivery."""
