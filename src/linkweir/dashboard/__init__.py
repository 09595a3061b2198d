"""The dashboard: HTML pages over the functions of `accounts`, `mail`, `clicks` and `stats`; contains no SQL."""
