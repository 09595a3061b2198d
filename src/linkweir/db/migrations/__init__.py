"""Alembic's scripts, packaged with the code that needs them."""
