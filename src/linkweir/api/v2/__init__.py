"""API v2 of the outside contract."""
