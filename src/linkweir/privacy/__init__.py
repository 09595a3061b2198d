"""Data export, erasure, person matching, redaction, the public disclosure page."""
