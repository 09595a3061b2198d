"""Peers that build a tree, change it and print it again: html5-parser, lxml, selectolax."""

from importlib import import_module
from typing import Any

from linkweir.benchmark.rewriting_engine import CONSTANT, Engine, Replace, normalize_destination


def _constant_link(_destination: str) -> str:
    return CONSTANT


def load_html5_parser() -> Engine:
    """html5-parser: the standard's tree construction in C, serialised by lxml."""
    parse: Any = import_module("html5_parser").parse
    tostring: Any = import_module("lxml.etree").tostring

    def rewrite(document: bytes, replace: Replace) -> bytes:
        tree = parse(document, transport_encoding="utf-8", return_root=False)
        _replace_hrefs(tree.getroot(), replace)
        output: bytes = tostring(tree, method="html", encoding="utf-8")
        return output

    return Engine("html5-parser", lambda document: rewrite(document, _constant_link), rewrite)


def load_lxml() -> Engine:
    """lxml on libxml2's own HTML parser."""
    etree: Any = import_module("lxml.etree")
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)

    def rewrite(document: bytes, replace: Replace) -> bytes:
        root = etree.fromstring(document, parser)
        if root is None:  # nothing but comments
            return document
        _replace_hrefs(root, replace)
        output: bytes = etree.tostring(root.getroottree(), method="html", encoding="utf-8")
        return output

    return Engine("lxml", lambda document: rewrite(document, _constant_link), rewrite)


def load_selectolax() -> Engine:
    """selectolax on lexbor."""
    parser: Any = import_module("selectolax.lexbor").LexborHTMLParser

    def rewrite(document: bytes, replace: Replace) -> bytes:
        tree = parser(document)
        for node in tree.css("a[href]:not([data-as-no-track])"):
            destination = normalize_destination(node.attributes.get("href") or "")
            if destination:
                node.attrs["href"] = replace(destination)
        output: str = tree.html
        return output.encode()

    return Engine("selectolax", lambda document: rewrite(document, _constant_link), rewrite)


def _replace_hrefs(root: Any, replace: Replace) -> None:
    for element in root.iter("{*}a", "a"):
        destination = normalize_destination(element.get("href") or "")
        if destination and element.get("data-as-no-track") is None:
            element.set("href", replace(destination))
