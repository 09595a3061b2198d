"""`GET /docs` and `/docs/{page}`: the manual in a browser, with a search field. No script, no other host, no session.

The pages are our own Markdown; what comes from the request is the search text, which is escaped.
"""

import base64
import hashlib
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from html import escape
from typing import TYPE_CHECKING

import nh3
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from linkweir.errors import NotFound
from linkweir.manual import contents
from linkweir.web.services import services_from

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_QUERY_CHARACTERS = 200
EXCERPT_CHARACTERS = 240
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --link: #0b6158; --paper: #fff; --ink: #14202b }
@media (prefers-color-scheme: dark) { :root { --link: #5eddce; --paper: #0e151b; --ink: #e7edf2 } }
html { background: var(--paper); color: var(--ink) }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 1rem/1.6 system-ui, sans-serif }
a { color: var(--link) }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0 }
nav h2 { margin: 0; font-size: .85rem; text-transform: uppercase; letter-spacing: .05em; opacity: .8 }
nav [aria-current] { font-weight: 700; text-decoration: none }
main { min-width: 0; overflow-wrap: anywhere }
main h1 { margin-top: 0; line-height: 1.2 }
main h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
pre { overflow-x: auto; padding: .8rem; background: var(--soft); border-radius: .4rem; line-height: 1.4 }
code { font-size: .9em; overflow-wrap: anywhere }
pre code, td, th { overflow-wrap: normal }
:not(pre) > code { background: var(--soft); padding: .1em .3em; border-radius: .2rem }
table { display: block; overflow-x: auto; border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .35rem .7rem; border: 1px solid var(--line); text-align: left; vertical-align: top }
img { max-width: 100%; height: auto; border: 1px solid var(--line) }
form p { display: flex; gap: .5rem; margin: .3rem 0 1.2rem }
input, button { font: inherit; padding: .3rem .6rem }
input { min-width: 0; flex: 1 }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1rem }
.number { text-align: right }
.skip:not(:focus) { position: absolute; left: -100rem }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 15rem 1fr; gap: 2.5rem; padding: 2rem }
  nav { position: sticky; top: 2rem; max-height: calc(100vh - 4rem); overflow-y: auto }
  nav ul { display: block }
}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} - Linkweir manual</title>
<style>{style}</style>
<body>
<a class="skip" href="#main">Skip to the text</a>
<nav aria-label="Manual">
<form action="{root}/docs" method="get" role="search">
<label for="q">Search the manual</label>
<p><input id="q" name="q" type="search" maxlength="{limit}" value="{query}"> <button>Search</button></p>
</form>
{navigation}
</nav>
<main id="main">
{main}
</main>
</body>
</html>
"""
_PAGE_LINK = re.compile(r"([\w-]+)\.md(#.*)?")
_ATTRIBUTES = {
    **{f"h{level}": {"id"} for level in range(1, 5)},
    "a": {"href"},
    "img": {"src", "alt"},
    "code": {"class"},
    "th": {"class"},
    "td": {"class"},
}
_TAGS = {
    *("h1", "h2", "h3", "h4", "p", "a", "img", "code", "pre", "em", "strong", "ul", "ol", "li", "blockquote", "hr"),
    *("br", "table", "thead", "tbody", "tr", "th", "td"),
}


async def show_first_page(request: Request) -> Response:
    """The first page of the manual, or the results of a search."""
    query = " ".join(request.query_params.get("q", "")[:MAX_QUERY_CHARACTERS].split())
    if not query:
        return await _respond_with_page(request, "index")
    root = _mount_path(request)

    def results() -> str:
        return _render_results(root, query)

    return _make_response(root, "Search", await services_from(request).run_blocking(results), query=query)


async def show_page(request: Request) -> Response:
    """One page of the manual, or a file beside it."""
    name = request.path_params["page"]
    if media_type := contents.MEDIA_TYPES.get(name):
        return Response((contents.FOLDER / name).read_bytes(), media_type=media_type, headers=HEADERS)
    if name not in contents.TOPICS:
        raise NotFound("there is no such page in the manual; its first page is /docs")
    return await _respond_with_page(request, name)


async def _respond_with_page(request: Request, topic: str) -> Response:
    root = _mount_path(request)
    main = await services_from(request).run_blocking(lambda: _render_page(topic, root))
    return _make_response(root, contents.read_title(topic), main, topic=topic)


def _make_response(root: str, title: str, main: str, *, topic: str = "", query: str = "") -> Response:
    navigation = "\n".join(
        _render_chapter(root, chapter, topics, topic) for chapter, topics in contents.CHAPTERS.items()
    )
    page = PAGE.format(
        title=escape(title),
        style=STYLE,
        root=escape(root),
        limit=MAX_QUERY_CHARACTERS,
        query=escape(query),
        navigation=navigation,
        main=main,
    )
    return HTMLResponse(page, headers=HEADERS)


def _mount_path(request: Request) -> str:
    """Return the path at which the service is mounted in another application."""
    root: str = request.scope.get("root_path", "")
    return root


def _build_url(root: str, topic: str, anchor: str = "") -> str:
    path = f"{root}/docs" if topic == "index" else f"{root}/docs/{topic}"
    return escape(f"{path}#{anchor}" if anchor else path)


def _render_chapter(root: str, chapter: str, topics: Iterable[str], current: str) -> str:
    items = "".join(
        f'<li><a href="{_build_url(root, topic)}"{" aria-current=page" * (topic == current)}>'
        f"{escape(contents.read_title(topic))}</a></li>\n"
        for topic in topics
    )
    return f"<h2>{escape(chapter)}</h2>\n<ul>\n{items}</ul>"


@cache
def _render_page(topic: str, root: str) -> str:
    """Return the HTML of a page, with links between pages as they are here, and an anchor at each heading."""
    from markdown_it import MarkdownIt  # here: a service starts without it

    markdown = MarkdownIt("commonmark").enable("table")
    elements = markdown.parse(contents.read_page(topic))
    for number, element in enumerate(elements):
        if element.type == "heading_open":
            element.attrSet("id", contents.make_slug(_heading_text(elements[number + 1])))
        if element.attrs.pop("style", "") == "text-align:right":  # the policy allows no style of an element
            element.attrSet("class", "number")
        for child in element.children or ():
            _localize_link(child, root)
    html = str(markdown.renderer.render(elements, markdown.options, {}))
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None)
    return re.sub("<(pre|table)>", r'<\1 tabindex="0">', clean)  # they scroll, so the keyboard must reach them


def _heading_text(inline: "Token") -> str:
    return "".join(child.content for child in inline.children or ())


def _localize_link(element: "Token", root: str) -> None:
    if element.type == "image":
        element.attrSet("src", f"{root}/docs/{element.attrGet('src')}")
    match = _PAGE_LINK.fullmatch(str(element.attrGet("href") or "")) if element.type == "link_open" else None
    if match:
        page = f"{root}/docs" if match[1] == "index" else f"{root}/docs/{match[1]}"
        element.attrSet("href", page + (match[2] or ""))


def _render_results(root: str, query: str) -> str:
    sections = contents.search(query)
    items = "".join(
        f'<li><a href="{_build_url(root, section.topic, section.anchor)}">{escape(_result_title(section))}</a><br>'
        f"{escape(_make_excerpt(section.text, query))}</li>\n"
        for section in sections
    )
    heading = f"<h1>Search: {escape(query)}</h1>\n"
    return heading + (f"<ol>\n{items}</ol>" if sections else "<p>No section of the manual has all of these words.</p>")


def _result_title(section: contents.Section) -> str:
    title = contents.read_title(section.topic)
    return title if section.heading == title else f"{title}: {section.heading}"


def _make_excerpt(text: str, query: str) -> str:
    """Return the surroundings of the first word that was searched for."""
    plain = contents.to_plain_text(text)
    at = min((position for term in query.lower().split() if (position := plain.lower().find(term)) >= 0), default=0)
    start = max(0, plain.rfind(" ", 0, max(0, at - EXCERPT_CHARACTERS // 3)))
    excerpt = textwrap.shorten(plain[start:], EXCERPT_CHARACTERS, placeholder="…")
    return f"…{excerpt}" if start else excerpt


ROUTES = [
    Route("/docs", show_first_page, methods=["GET"]),
    Route("/docs/{page}", show_page, methods=["GET"]),
]
