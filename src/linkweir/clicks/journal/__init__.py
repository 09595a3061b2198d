"""The durable local log of click events."""
