"""Text for terminals: escaping, progress bars."""
