"""From journal to statistics: attribution, classification, aggregates, notifications."""
