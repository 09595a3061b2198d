"""Writes refs_table.h, the table of named character references, from the standard library's html.entities.

Run by setup.py at build time: the 2,231 names of the HTML standard are data that Python already carries.
"""

from html.entities import html5
from pathlib import Path


def _c_string(data: bytes) -> str:
    return '"' + "".join(f"\\{byte:03o}" for byte in data) + '"'


def table() -> str:
    """The header's text: names in byte order, and where each first letter begins."""
    names = sorted(html5, key=str.encode)
    rows = [f"  {{{_c_string(n.encode())}, {_c_string(html5[n].encode())}}}," for n in names]
    starts = [sum(ord(n[0]) < letter for n in names) for letter in range(129)]
    return "\n".join(
        [
            "/* Generated from html.entities: names in byte order. */",
            f"enum {{ LW_REFS = {len(names)} }};",
            "static const struct { const char *name, *text; } REFS[LW_REFS] = {",
            *rows,
            "};",
            f"static const uint16_t REFS_FROM[129] = {{{', '.join(map(str, starts))}}};",
            "",
        ]
    )


def write(folder: Path) -> None:
    """Writes the header into `folder`, leaving it alone when it is up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "refs_table.h"
    text = table()
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    import sys

    write(Path(sys.argv[1]))
