"""Outgoing mail: submission, tracking policy, MIME building, and delivery."""
