"""`python -m bench.browser_data DATA.json >src/linkweir/clicks/browser_data.toml`: the browser table, made anew.

DATA.json comes from npm's package @mdn/browser-compat-data (`npm pack`), which keeps when each browser was released and
since which release it sends which header. Nothing of it is judged here; what we spare stands in
`linkweir.clicks.browser_profile`.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

OLDEST_YEAR = "2017"  # what was released before needs no date of its own: it is older than everything here
FAMILIES = {
    "chrome": "chrome",
    "firefox": "firefox",
    "safari": "safari",
    "samsung": "samsunginternet_android",
}
HEADERS = {
    "sec-fetch": ("Sec-Fetch-Dest",),
    "client-hints": ("Sec-CH-UA",),
    "brotli": ("Accept-Encoding", "br"),
}


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    data = json.loads(Path(arguments[0]).read_text("utf-8"))
    print("\n".join(table_lines(data)))
    return 0


def table_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the TOML file."""
    meta = data["__meta"]
    yield "# Made by `python -m bench.browser_data`: releases, and the first with each header."
    yield f'source = "@mdn/browser-compat-data {meta["version"]}"'
    yield f"made = {meta['timestamp'][:10]}"
    for family, name in FAMILIES.items():
        yield f"\n[{family}.headers]"
        for header, path in HEADERS.items():
            if since := _first_version(data, path, name):
                yield f'{header} = "{since}"'
        yield f"\n[{family}.releases]"
        for date, version in sorted(_releases(data["browsers"][name]["releases"])):
            yield f'"{version}" = {date}'


def _releases(releases: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for version, release in releases.items():
        date = release.get("release_date")
        if date and date >= OLDEST_YEAR and release.get("status") in ("current", "retired", "esr"):
            yield date, version


def _first_version(data: Mapping[str, Any], path: Sequence[str], browser: str) -> str | None:
    node = data["http"]["headers"]
    for part in path:
        node = node[part]
    support = node["__compat"]["support"][browser]
    since = (support[0] if isinstance(support, list) else support).get("version_added")
    return since if isinstance(since, str) and since != "preview" else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
