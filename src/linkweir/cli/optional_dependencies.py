"""What only some sub-commands need: the packages of an extra, and a word about them where they are missing."""

import contextlib
from collections.abc import Iterator

from linkweir.cli.shared_options import UsageError

_EXTRAS = {"pyarrow": "parquet"}  # those of all others are the service's


@contextlib.contextmanager
def require_service_extra() -> Iterator[None]:
    """Around imports of the service. Raises UsageError that says what to install when a package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "linkweir":
            raise
        extra = _EXTRAS.get(name, "service")
        raise UsageError(
            f"the service needs the package {error.name!r}, which is not installed; "
            f"install it with: pip install 'linkweir[{extra}]'"
        ) from None
