"""Pages of the operator's own: for a link that is not known, and for `/`.

Both are files that the settings name: a link that does not verify leads nowhere.
"""

from pathlib import Path

from linkweir.errors import SettingsError
from linkweir.settings import Settings

MAX_PAGE_BYTES = 1024 * 1024  # bytes of a page


class OperatorPages:
    """The pages as the settings name them; read by `load`, when the service starts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.unknown_link_page: bytes | None = None
        self.root_page: bytes | None = None

    def load(self) -> None:
        """Read the files. Raises SettingsError for one that cannot be a page."""
        self.unknown_link_page = _read_page(self._settings.unknown_link_page, "LINKWEIR_UNKNOWN_LINK_PAGE")
        self.root_page = _read_page(self._settings.root_page, "LINKWEIR_ROOT_PAGE")


def _read_page(path: Path | None, setting: str) -> bytes | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
        data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting}: {path} cannot be shown as a page ({error})") from None
    if len(data) > MAX_PAGE_BYTES:
        raise SettingsError(f"{setting}: {path} is larger than {MAX_PAGE_BYTES} bytes")
    return data
