"""Writes the C headers that are generated from data: `python ext/generate_tables.py FOLDER`.

setup.py does so at build time, the C tests for themselves: the tables are not in the repository.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE / "html"), str(HERE / "tokens")]
import charref_tables  # noqa: E402
import url_codec_tables  # noqa: E402

HEADERS = {"charref_tables.h": charref_tables.c_header, "url_codec_tables.h": url_codec_tables.c_header}


def write_tables(folder: Path) -> None:
    """Write every header into `folder`, leaving alone what is up to date, so that nothing is compiled in vain."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, c_header in HEADERS.items():
        path, text = folder / name, c_header()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    write_tables(Path(sys.argv[1]))
