"""API v1 of the outside contract."""
