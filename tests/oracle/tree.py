"""html5-parser (Gumbo, in C) as a judge: which `a` elements a browser's tree holds."""

import html5_parser  # type: ignore[import-untyped, import-not-found, unused-ignore]  # C extension

XHTML = "{http://www.w3.org/1999/xhtml}"


def parse_hrefs(document: bytes, charset: str = "utf-8") -> list[tuple[str, str | None]]:
    """Every `a` element in tree order, as (namespace or "", value of `href` or None)."""
    root = html5_parser.parse(document, transport_encoding=charset, namespace_elements=True)
    result = []
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.rpartition("}")[2] == "a":
            namespace = element.tag.rpartition("}")[0].rpartition("/")[2]
            result.append((namespace, element.get("href")))
    return result


def tree_contains(document: bytes, text: str, charset: str = "utf-8") -> bool:
    """Does the text stand anywhere in the tree: as text, in a comment or in an attribute?"""
    root = html5_parser.parse(document, transport_encoding=charset, namespace_elements=True)
    return any(
        text in part
        for node in root.iter()
        for part in [node.text or "", node.tail or "", *map(str, node.attrib.values())]
    )
