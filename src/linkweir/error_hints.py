"""What messages about errors end with: the name that was probably meant, and the package to install."""

from collections.abc import Iterable

_EXTRAS = {  # all other packages are the service's
    "authlib": "oidc",
    "nats": "jetstream",
    "psycopg": "postgresql",
    "pyarrow": "parquet",
}


def suggest_name(given: str, known: Iterable[str], prefix: str = "") -> str:
    """Return `; did you mean NAME?` for the known names that are most like `given`, or nothing if none is; `prefix` is
    what all names begin with, and `given` and `known` leave out.
    """
    import difflib  # loaded only for a mistake: commands start sooner without it

    similar = difflib.get_close_matches(given, list(known), 2, 0.7)
    return f"; did you mean {' or '.join(prefix + name for name in similar)}?" if similar else ""


def explain_missing_package(name: str) -> str:
    """Say which package is missing (`name`: of its module) and what installs it."""
    package = name.partition(".")[0]
    extra = _EXTRAS.get(package, "service")
    return f"the package {package!r} is not installed; install it with: pip install 'linkweir[{extra}]'"
