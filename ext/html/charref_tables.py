"""The table of named character references, from the standard library's html.entities.

The 2,231 names of the HTML standard are data that Python carries: ext/generate_tables.py writes them as a C header.
"""

from html.entities import html5


def _c_string(data: bytes) -> str:
    return '"' + "".join(f"\\{byte:03o}" for byte in data) + '"'


def c_header() -> str:
    """The text of `charref_tables.h`: names in byte order, and where each first letter begins."""
    names = sorted(html5, key=str.encode)
    rows = [f"  {{{_c_string(n.encode())}, {_c_string(html5[n].encode())}}}," for n in names]
    starts = [sum(ord(n[0]) < letter for n in names) for letter in range(129)]
    return "\n".join(
        [
            "/* Generated from html.entities: names in byte order. */",
            f"enum {{ CHARREF_COUNT = {len(names)} }};",
            "static const struct { const char *name, *text; } CHARREFS[CHARREF_COUNT] = {",
            *rows,
            "};",
            f"static const uint16_t CHARREFS_BY_LETTER[129] = {{{', '.join(map(str, starts))}}};",
            "",
        ]
    )
