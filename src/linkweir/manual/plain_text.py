"""Pages of the manual as plain text for a terminal.

Markdown is nearly that already: paragraphs are filled, tables become aligned columns or, where they are too wide, one
entry below another, and links name the topic to read next.
"""

import re
import textwrap
from collections.abc import Iterator
from itertools import groupby

_LINK = re.compile(r"!?\[([^\]]+)\]\(([^)\s]+)\)")
MIN_COLUMN = 20  # characters of the column that is filled
_CELL = re.compile(r"(?<!\\)\|")


def render(markdown: str, width: int) -> str:
    """Return `markdown` as text of at most `width` columns; code and long words are left as they are."""
    return "\n".join(_render_blocks(markdown.splitlines(), max(width, 40))).strip() + "\n"


def _render_blocks(lines: list[str], width: int) -> Iterator[str]:
    for kind, group in groupby(_classify_lines(lines), key=lambda pair: pair[0]):
        block = [line for _, line in group]
        if kind == "code":
            yield from (f"    {line}".rstrip() for line in block if not line.startswith("```"))
        elif kind == "heading":
            yield from (_render_heading(line) for line in block)
        elif kind == "table":
            yield from _render_table(
                [_split_cells(line) for line in block if not re.fullmatch(r"[|:\- ]+", line)], width
            )
        elif kind == "text":
            yield from _render_paragraphs(block, width)
        else:
            yield ""


def _classify_lines(lines: list[str]) -> Iterator[tuple[str, str]]:
    fenced = False
    for line in lines:
        fence = line.startswith("```")
        if fenced or fence:
            yield "code", line
            fenced ^= fence
        elif not line.strip():
            yield "blank", line
        else:
            yield {"#": "heading", "|": "table"}.get(line[0], "text"), line


def _render_heading(line: str) -> str:
    text = _render_inline(line.lstrip("#").strip())
    if line.startswith("### "):
        return text
    return f"{text}\n{('=' if line.startswith('# ') else '-') * len(text)}"


def _render_paragraphs(lines: list[str], width: int) -> Iterator[str]:
    """Fill each paragraph and each item of a list."""
    items: list[str] = []
    for line in lines:
        if re.match(r"\s*([-*]|\d+\.) ", line) or not items:
            items.append(line)
        else:
            items[-1] += " " + line.strip()
    for item in items:
        mark = re.match(r"\s*([-*]|\d+\.) ", item)
        indent = " " * len(mark[0]) if mark else ""
        yield _fill(_render_inline(item), width, indent)


def _fill(text: str, width: int, indent: str = "", initial: str = "") -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=initial,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _render_inline(text: str) -> str:
    """Return the text without the marks of emphasis, and with links written out."""
    text = re.sub(r"(?<![`\w])\*\*?(?! )([^*`]+?)\*\*?(?!\w)", r"\1", text)
    return _LINK.sub(_render_link, text).replace("\\|", "|").replace("\\[", "[").replace("&lt;", "<")


def _render_link(match: re.Match[str]) -> str:
    label, target = match.groups()
    if match[0].startswith("!"):
        return f"[{label}]"
    page = re.fullmatch(r"([\w-]+)\.md(#.*)?", target)
    if page:
        return f"{label} (linkweir help {page[1]})" if page[1] != label else label
    return label if target in (label, f"#{label}") or target.startswith("#") else f"{label} <{target}>"


def _split_cells(row: str) -> list[str]:
    return [_render_inline(cell.strip()) for cell in _CELL.split(row.strip().strip("|"))]


def _render_table(rows: list[list[str]], width: int) -> Iterator[str]:
    """Align the columns and fill the widest; where there is no room for it, write each row as an entry."""
    columns = max(map(len, rows))
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[index]) for row in rows) for index in range(columns)]
    widest = widths.index(max(widths))
    room = width - (sum(widths) - widths[widest]) - 2 * (columns - 1)
    longest_word = max(len(word) for row in rows for word in (row[widest].split() or [""]))
    if room >= min(widths[widest], max(MIN_COLUMN, longest_word)):
        widths[widest] = min(widths[widest], room)
        for row in rows:
            for number, text in enumerate(textwrap.wrap(row[widest], room, break_on_hyphens=False) or [""]):
                cells = [text if index == widest else "" if number else cell for index, cell in enumerate(row)]
                yield "  ".join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True)).rstrip()
    else:
        yield from _render_entries(rows, width)


def _render_entries(rows: list[list[str]], width: int) -> Iterator[str]:
    names, *entries = rows
    for first, *cells in entries:
        yield _fill(first, width)
        for name, cell in zip(names[1:], cells, strict=True):
            if cell:
                yield _fill(f"{name}: {cell}" if len(names) > 2 and name else cell, width, "      ", "    ")
