"""Style sheet, scripts and icon: files of this package, read once; a digest of their contents is part of their URLs."""

import hashlib
from importlib.resources import files

MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_STATIC_FOLDER = files("linkweir.dashboard") / "static"
STATIC_FILES = {
    file.name: file.read_bytes() for file in _STATIC_FOLDER.iterdir() if file.name.rpartition(".")[2] in MEDIA_TYPES
}
CONTENT_HASH = hashlib.sha256(b"".join(STATIC_FILES[name] for name in sorted(STATIC_FILES))).hexdigest()[:12]
