"""Writes a destination as the ASCII text of a `Location` header, the way the URL standard serialises it.

Only what the standard's percent-encode sets name is encoded, and a non-ASCII host goes through IDNA;
existing `%XX`, letter case, `..` segments and ports stay as they are. The result is printable ASCII, so
nothing can be injected. Source: https://url.spec.whatwg.org/#percent-encoded-bytes
"""

import re

import idna

# scheme://authority  path  ?query  #fragment; a backslash ends the authority as a slash does (special schemes)
PARTS = re.compile(r"(https?://)([^/\\?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
# most destinations: nothing in them is encoded in any part, so there is nothing to take apart
PLAIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?#][!#-&(-;=?-\]_a-z|~]*)?")
PATH = ' "<>^`{}'
QUERY = " \"<>'"
FRAGMENT = ' "<>`'
USERINFO = ' "<>^`{}[]|;'


def header_value(destination: str) -> str | None:
    """The `Location` for a destination; None when it is not an http(s) address with a host."""
    if PLAIN.fullmatch(destination):
        return destination
    found = PARTS.fullmatch(destination)
    if found is None:
        return None
    scheme, authority, path, query, fragment = found.groups(default="")
    userinfo, at, host_and_port = authority.rpartition("@")
    host, colon, port = _split_port(host_and_port)
    if not host:
        return None
    return "".join(
        (
            scheme,
            _encode(userinfo, USERINFO).replace("@", "%40"),
            at,
            ascii_host(host),
            colon,
            _encode(port, PATH),
            _encode(path, PATH),
            _encode(query, QUERY),
            _encode(fragment, FRAGMENT),
        )
    )


def _split_port(text: str) -> tuple[str, str, str]:
    end = text.find("]") + 1 if text.startswith("[") else 0
    host, colon, port = text[end:].partition(":")
    return text[:end] + host, colon, port


def _encode(text: str, special: str) -> str:
    if text.isascii() and text.isprintable() and not any(character in special for character in text):
        return text
    return "".join(
        chr(byte) if 0x20 < byte < 0x7F and chr(byte) not in special else f"%{byte:02X}"
        for byte in text.encode("utf-8", "replace")
    )


def ascii_host(host: str) -> str:
    """A host as the ASCII text that browsers make of it."""
    if host.isascii():
        return _encode(host, PATH)
    try:
        return idna.encode(host, uts46=True, std3_rules=False).decode("ascii")
    except idna.IDNAError:
        return ".".join(map(_lenient_label, _mapped(host).split(".")))


def _mapped(host: str) -> str:
    """The host after UTS 46 mapping, or as it is where even that is refused."""
    try:
        return idna.uts46_remap(host, std3_rules=False)
    except idna.IDNAError:
        return host.lower()


def _lenient_label(label: str) -> str:
    if not label.isascii():
        # browsers go by UTS 46 alone and follow labels that IDNA 2008 forbids: emoji domains exist
        label = "xn--" + label.encode("punycode").decode("ascii")
    return _encode(label, PATH)
