"""What of a page another program or a browser acts on: forms with their fields, links, and what it loads."""

import json
import re
from html.parser import HTMLParser
from typing import Any

_RANDOM_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
)  # version 4: others sort by time
MANY_OPTIONS = 40  # of a select: more of them are data


class _Faces(HTMLParser):
    """Collects what of a page another program or a browser acts on."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.links: dict[str, None] = {}
        self.assets: set[str] = set()
        self._options: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self.forms.append({"method": given.get("method", "get"), "action": given.get("action", ""), "fields": []})
        elif tag == "a" and given.get("href"):
            self.links[given["href"] or ""] = None
        elif tag in ("script", "link", "img", "iframe"):
            self.assets.add(given.get("src") or given.get("href") or "")
        elif tag == "option" and self._options is not None:
            self._options.append(given.get("value") or "")
        elif tag in ("input", "select", "textarea", "button"):
            self._add_field(tag, given)

    def _add_field(self, tag: str, given: dict[str, str | None]) -> None:
        if not given.get("name") or not self.forms:
            return
        field: list[Any] = [given["name"], given.get("type") or tag]
        field += [key for key in ("required", "checked") if key in given]
        if tag == "select":
            self._options = []
            field.append(self._options)
        self.forms[-1]["fields"].append(field)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            if self._options is not None and len(self._options) > MANY_OPTIONS:
                self._options[:] = ["<many>"]
            self._options = None


def faces_of(html: str) -> dict[str, Any]:
    """The forms with their fields, the links and what a page loads; no texts, no order of links that differ."""
    faces = _Faces()
    faces.feed(html)
    forms = sorted({json.dumps(form, sort_keys=True) for form in faces.forms})
    return {
        "forms": [json.loads(form) for form in forms],
        "links": sorted(faces.links, key=lambda link: _RANDOM_ID.sub("", link)),  # alike but for ids: as on the page
        "assets": sorted(faces.assets),
    }
