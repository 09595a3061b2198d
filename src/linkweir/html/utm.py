"""Adds campaign parameters to a destination: before the fragment, never twice, never over one written by hand."""

from collections.abc import Iterable
from urllib.parse import quote


def tagged(destination: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The destination with those of the (name, value) pairs that its query does not name yet.

    Nothing else of it changes: not a percent sign, not the order, not an empty query. Names are compared in any case.
    """
    address, hash_, fragment = destination.partition("#")
    path, _, query = address.partition("?")
    there = {part.partition("=")[0].lower() for part in query.replace(";", "&").split("&")}
    new = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters if name.lower() not in there)
    if not new:
        return destination
    joint = "" if not query or query.endswith("&") else "&"
    return f"{path}?{query}{joint}{new}{hash_}{fragment}"
