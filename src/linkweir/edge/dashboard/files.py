"""The style sheet, the script and the icon: files of this package, read once, named by what is in them."""

import hashlib
from importlib.resources import files

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOLDER = files("linkweir.edge.dashboard") / "static"
FILES = {one.name: one.read_bytes() for one in _FOLDER.iterdir() if one.name.rpartition(".")[2] in TYPES}
MARK = hashlib.sha256(b"".join(FILES[name] for name in sorted(FILES))).hexdigest()[:12]
