"""Writes a destination as the ASCII text of a `Location` header, the way the URL standard serialises it.

What the standard's percent-encode sets name is encoded, a non-ASCII host goes through IDNA, a backslash in authority
or path is a slash, tabs and line ends are nothing. Left as they stand, because the reader's browser does the same to
them and a sender's log should show what the sender wrote: letter case, existing `%XX`, default ports, `..` segments,
an empty path, an empty user, the spelling of an IP address. The result is printable ASCII, so nothing can be injected,
and every client reads the same host in it. Source: https://url.spec.whatwg.org/#concept-url-serializer
"""

import re
import unicodedata

import idna

# scheme://authority  path  ?query  #fragment; a backslash ends the authority as a slash does (special schemes)
URL_PARTS = re.compile(r"(https?://)([^/\\?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
# most destinations: nothing in them is encoded in any part, so there is nothing to take apart
PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?#][!#-&(-;=?-\[\]_a-z|~]*)?")
STRIPPED_CHARACTERS = "".join(map(chr, range(0x21)))  # C0 controls and the space, at both ends
REMOVED_CHARACTERS = dict.fromkeys(map(ord, "\t\n\r"))
LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # of a character; the standard reads U+FFFD
QUERY_ENCODE_SET = " \"<>'"
FRAGMENT_ENCODE_SET = ' "<>`'
PATH_ENCODE_SET = ' "<>^`{}'
USERINFO_ENCODE_SET = PATH_ENCODE_SET + "/:;=@[\\]|"
# code points that no host may hold; some come out of the mapping of others, as the full-width solidus does
FORBIDDEN_HOST_CHARACTERS = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]")


def to_location(destination: str) -> str | None:
    """The `Location` for a destination; None when it is not an http(s) address with a host."""
    if PLAIN_URL.fullmatch(destination):
        return destination
    match = URL_PARTS.fullmatch(
        LONE_SURROGATE.sub("\ufffd", destination.strip(STRIPPED_CHARACTERS).translate(REMOVED_CHARACTERS))
    )
    if match is None:
        return None
    scheme, authority, path, query, fragment = match.groups(default="")
    userinfo, at, host_and_port = authority.rpartition("@")
    user, password_mark, password = userinfo.partition(":")
    host, colon, port = _split_port(host_and_port)
    if not host:
        return None
    return "".join(
        (
            scheme,
            _percent_encode(user, USERINFO_ENCODE_SET),
            password_mark,
            _percent_encode(password, USERINFO_ENCODE_SET),
            at,
            ascii_host(host),
            colon,
            _percent_encode(port, PATH_ENCODE_SET),
            _percent_encode(path.replace("\\", "/"), PATH_ENCODE_SET),
            _percent_encode(query, QUERY_ENCODE_SET),
            _percent_encode(fragment, FRAGMENT_ENCODE_SET),
        )
    )


def _split_port(text: str) -> tuple[str, str, str]:
    end = text.find("]") + 1 if text.startswith("[") else 0
    host, colon, port = text[end:].partition(":")
    return text[:end] + host, colon, port


def _percent_encode(text: str, special: str) -> str:
    if text.isascii() and text.isprintable() and not any(character in special for character in text):
        return text
    return "".join(
        chr(byte) if 0x20 < byte < 0x7F and chr(byte) not in special else f"%{byte:02X}" for byte in text.encode()
    )


def ascii_host(host: str) -> str:
    """A host as the ASCII text that browsers make of it. One that they refuse, or read as other than a host, comes
    out percent-encoded: they decode that first, and refuse it as they would have refused the host.
    """
    if host.isascii():
        return _percent_encode(host, PATH_ENCODE_SET)
    mapped = _map_idna(host)
    return _percent_encode(host, PATH_ENCODE_SET) if not mapped or FORBIDDEN_HOST_CHARACTERS.search(mapped) else mapped


def _map_idna(host: str) -> str | None:
    """The host in its ASCII form; None where the mapping of UTS 46 refuses it, or leaves nothing of it."""
    try:
        return idna.encode(host, uts46=True, std3_rules=False).decode("ascii")
    except idna.IDNAError:
        pass
    try:
        labels = idna.uts46_remap(host, std3_rules=False).split(".")
    except idna.IDNAError:
        return None
    return ".".join(map(_punycode_label, labels)) if all(map(_is_browser_accepted, labels)) else None


def _is_browser_accepted(label: str) -> bool:
    """Browsers go by UTS 46 alone and follow labels that IDNA 2008 forbids: emoji domains exist. What else may be
    wrong with a label is theirs to judge.
    """
    odd = label.startswith("xn--") or unicodedata.category(label[:1] or "a").startswith("M")
    return label.isascii() or not (odd or any(map(_is_ambiguous, label)))


def _is_ambiguous(character: str) -> bool:
    unassigned = unicodedata.category(character) == "Cn"
    return unassigned or character in "\u200c\u200d" or unicodedata.bidirectional(character) in ("R", "AL", "AN")


def _punycode_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
