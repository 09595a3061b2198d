"""What only some sub-commands need: the packages of the service, and a word about them where they are missing."""

import contextlib
from collections.abc import Iterator

from linkweir.cli.options import UsageError


@contextlib.contextmanager
def service_packages() -> Iterator[None]:
    """Around imports of the service. Raises UsageError that says what to install when a package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "linkweir":
            raise
        raise UsageError(
            f"the service needs the package {error.name!r}, which is not installed; "
            "install it with: pip install 'linkweir[service]'"
        ) from None
