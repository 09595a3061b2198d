"""Link rules, section 2: every row of the table beside its nearest counter-example, and their order."""

import pytest

from tests.html.implementations import DEFAULT_SWITCHES, Scanner
from tests.reference import ReferenceSwitches

TAGS = {
    # no-href
    "no href": ("<a>", "no-href"),
    "no attribute value": ("<a name='x'>", "no-href"),
    "data-href": ('<a data-href="https://x.example/">', "no-href"),
    "hrefs": ('<a hrefs="https://x.example/">', "no-href"),
    "=href": ('<a =href="https://x.example/">', "no-href"),
    "NUL in href": ('<a hr\0ef="https://x.example/">', "no-href"),
    "data-href before href": ('<a data-href="/" href="https://x.example/">', "tracked"),
    "HREF": ('<a HrEf="https://x.example/">', "tracked"),
    "the first href counts": ('<a href="https://x.example/" href="/">', "tracked"),
    "a later href does not": ('<a href="/" href="https://x.example/">', "not-http"),
    "a first href without value": ('<a href HREF="https://x.example/">', "unquoted"),
    # opted-out
    "opt-out after": ('<a href="https://x.example/" data-as-no-track>', "opted-out"),
    "opt-out before": ('<a data-as-no-track href="https://x.example/">', "opted-out"),
    "opt-out with a value": ('<a data-as-no-track="false" href="https://x.example/">', "opted-out"),
    "opt-out without quotes": ('<a data-as-no-track=0 href="https://x.example/">', "opted-out"),
    "opt-out in capitals": ('<a href="https://x.example/" DATA-AS-NO-TRACK>', "opted-out"),
    "opt-out after a slash": ('<a href="https://x.example/"/data-as-no-track>', "opted-out"),
    "opt-out before />": ('<a href="https://x.example/" data-as-no-track/>', "opted-out"),
    "opt-out in a value is none": ('<a title="data-as-no-track" href="https://x.example/">', "tracked"),
    "a longer name is none": ('<a data-as-no-tracking href="https://x.example/">', "tracked"),
    "opt-out of an unquoted href": ("<a href=https://x.example/ data-as-no-track>", "opted-out"),
    "opt-out of a placeholder": ('<a data-as-no-track href="{{ x }}">', "opted-out"),
    # unquoted
    "unquoted": ("<a href=https://x.example/>", "unquoted"),
    "missing value": ("<a href>", "unquoted"),
    "missing value after =": ("<a href=>", "unquoted"),
    "missing value after = and space": ("<a href= >", "unquoted"),
    "unquoted with spaces": ("<a href = https://x.example/>", "unquoted"),
    "backquotes are no quotes": ("<a href=`https://x.example/`>", "unquoted"),
    "quote inside an unquoted value": ('<a href=x"https://x.example/">', "unquoted"),
    "single quotes": ("<a href='https://x.example/'>", "tracked"),
    # spaced-equals
    "space before =": ('<a href ="https://x.example/">', "spaced-equals"),
    "space after =": ('<a href= "https://x.example/">', "spaced-equals"),
    "space around =": ('<a href = "https://x.example/">', "spaced-equals"),
    "tab before =": ('<a href\t="https://x.example/">', "spaced-equals"),
    "line feed after =": ('<a href=\n"https://x.example/">', "spaced-equals"),
    "carriage return after =": ('<a href=\r"https://x.example/">', "spaced-equals"),
    "form feed after =": ('<a href=\f"https://x.example/">', "spaced-equals"),
    "no-break space is not white space": ('<a href=\u00a0"https://x.example/">', "unquoted"),
    "space after the value": ('<a href="https://x.example/" >', "tracked"),
    "space around another =": ('<a class = "x" href="https://x.example/">', "tracked"),
    "spaced before placeholder": ('<a href = "{{ x }}">', "spaced-equals"),
}

VALUES = {
    # placeholder
    "{{ x }}": "placeholder",
    "{% url %}": "placeholder",
    "{x}": "placeholder",
    "*|URL|*": "placeholder",
    "[[x]]": "placeholder",
    "[%x%]": "placeholder",
    "%%x%%": "placeholder",
    "<%= x %>": "placeholder",
    "${x}": "placeholder",
    "#{x}": "placeholder",
    "  {{ x }}": "placeholder",
    "&#123;x}": "placeholder",
    "&lbrace;x}": "placeholder",
    "[x]": "placeholder",
    "%x%": "placeholder",
    "%ab%cd": "not-http",
    "::x::": "placeholder",
    "::x": "not-http",
    "-x-": "not-http",
    "*x*": "not-http",
    "$x": "not-http",
    "#x": "not-http",
    "x{{ x }}": "not-http",
    "https://{{ host }}/": "placeholder",
    "https://a.{x}.example/": "placeholder",
    "https://u{x}@h.example/": "placeholder",
    "https://x.example#{x}": "placeholder",
    "https://#{x}": "placeholder",
    "https://[[x]]/": "placeholder",
    "https://<%= x %>/": "placeholder",
    "https://x.example/{{ x }}": "placeholder",
    "https://x.example/{x}": "placeholder",
    "https://x.example/?a=*|X|*": "placeholder",
    "https://x.example/100%%": "placeholder",
    "https://x.example/100%": "tracked",
    "https://x.example/#x": "tracked",
    "https://x.example/?a[]=1": "tracked",
    "https://x.example/*x|": "tracked",
    # not-http
    "": "not-http",
    " ": "not-http",
    "example.com": "not-http",
    "www.example.com": "not-http",
    "//x.example/": "not-http",
    "/path": "not-http",
    "#top": "not-http",
    "mailto:a@x.example": "not-http",
    "tel:+1": "not-http",
    "javascript:alert(1)": "not-http",
    "https:/x.example/": "not-http",
    "https:x.example/": "not-http",
    "https:\\\\x.example/": "not-http",
    "hhttp://x.example/": "not-http",
    "httpss://x.example/": "not-http",
    "http ://x.example/": "not-http",
    "ftp://x.example/": "not-http",
    "http": "not-http",
    "http:/": "not-http",
    "\u017fhttps://x.example/": "not-http",
    "http\u017f://x.example/": "not-http",
    "\0https://x.example/": "not-http",
    "\u00a0https://x.example/": "not-http",
    "HTTPS://x.example/": "tracked",
    "hTTp://x.example/": "tracked",
    # no-host
    "http://": "no-host",
    "https:///x": "no-host",
    "https://?q": "no-host",
    "https://#f": "no-host",
    "https://\\x": "no-host",
    "https://u@": "no-host",
    "https://u@/x": "no-host",
    "https://:80/": "no-host",
    "https://u:p@:80/": "no-host",
    "https://a b/": "no-host",
    "https://a&#1;b/": "no-host",
    "https://a&#127;b/": "no-host",
    "https://a&lt;b/": "no-host",
    "https://a>b/": "no-host",
    "https://a[b/": "no-host",
    "https://a]b/": "no-host",
    "https://a^b/": "no-host",
    "https://a|b/": "no-host",
    "https://[]/": "no-host",
    "https://[::1/": "no-host",
    "https://[::1]x/": "no-host",
    "https://[: :1]/": "no-host",
    "https://[:\x7f:1]/": "no-host",
    "https://[:\x01:1]/": "no-host",
    "https://[:^:1]/": "no-host",
    "https://[:|:1]/": "no-host",
    "https://[:<:1]/": "no-host",
    "https://[:>:1]/": "no-host",
    "https://[::1]:8 0/": "no-host",
    "https://[::1]:<8/": "no-host",
    "https://[::g]/": "no-host",
    "https://[1]/": "no-host",
    "https://[NAME]": "no-host",
    "https://[NAME].x.example/": "no-host",
    "https://u:[NAME]@x.example/": "no-host",
    "https://[1:2:3:4:5:6:7:8:9]/": "no-host",
    "https://[::1::2]/": "no-host",
    "https://[::1.2.3.256]/": "no-host",
    "https://[::1.2.3.4]/": "tracked",
    "https://[1:2:3:4:5:6:7:8]/": "tracked",
    "https://[FE80::1]:80?q": "tracked",
    "https://[fe80::1%25eth0]/": "no-host",
    "https://x.example: 1/": "no-host",
    "https://x.example:8|0/": "no-host",
    "https://x.example:[80]/": "no-host",
    "https://x.example:&#1;1/": "no-host",
    "https://u p@x.example: 80/": "no-host",
    "https://x.example:/": "tracked",
    "https://x.example:abc/": "tracked",
    "http://https://x.example/": "tracked",
    "https://[[::1]/": "placeholder",
    "https://[::1]/": "tracked",
    "https://[::1]:80/": "tracked",
    "https://u@[::1]/": "tracked",
    "https://x.example": "tracked",
    "https://x": "tracked",
    "https://x.example?q": "tracked",
    "https://x.example#f": "tracked",
    "https://x.example\\p": "tracked",
    "https://u:p@x.example/": "tracked",
    "https://a b@x.example/": "tracked",
    "https://u@v@x.example/": "tracked",
    "https://x.example:99999/": "tracked",
    "https://bücher.example/": "tracked",
    "https://a..b/": "tracked",
    # malformed
    "https://x.example/<br>": "malformed",
    "https://x.example/<%x%>": "malformed",
    "https://x.example/a\0b": "malformed",
    "https://x.ex\0ample/": "malformed",
    "https://x.example/&#0;": "malformed",
    "https://x.example/&#0": "malformed",
    "https://x.example/&#x0;": "malformed",
    "https://x.example/&#000;": "malformed",
    "https://x.example/\x01": "tracked",  # trimmed as the URL standard does
    "https://x.example/\x01x": "malformed",
    "https://x.example/&#31;x": "malformed",
    "https://x.example/&#12;x": "malformed",
    "https://x.example/a\fx": "malformed",
    "https://x.example/&lt;": "tracked",
    "https://x.example/>": "tracked",
    "https://x.example/&quot;": "tracked",
    "https://x.example/'": "tracked",
    "https://x.example/&#;": "tracked",
    "https://x.example/&#x;": "tracked",
    "https://x.example/&#00001;x": "malformed",
    "https://x.example/&#4294967296;": "tracked",
    "https://x.example/&#18446744073709551616;": "tracked",
    "https://x.example/\x7f": "tracked",
    "https://x.example/ x": "tracked",
    "https://<": "no-host",
    # too-long-destination
    "https://x.example/" + "a" * 7982: "tracked",
    "https://x.example/" + "a" * 7983: "too-long-destination",
    "https://x.example/é" + "a" * 7980: "tracked",
    "https://x.example/é" + "a" * 7981: "too-long-destination",
    "https://x.example/&amp;" + "a" * 7981: "tracked",
    "x" * 8001: "not-http",
    "https://x.example/<" + "a" * 8000: "malformed",
}


def scan_outcomes(scanner: Scanner, document: str, switches: ReferenceSwitches = DEFAULT_SWITCHES) -> list[str]:
    """The outcomes of all links of the document."""
    return [link.outcome for link in scanner.scan(document.encode(), switches)]


@pytest.mark.parametrize(("tag", "outcome"), TAGS.values(), ids=TAGS.keys())
def test_a_tag_has_the_outcome_of_its_row(scanner: Scanner, tag: str, outcome: str) -> None:
    """What the attributes look like decides first: the rows `no-href` to `spaced-equals`."""
    assert scan_outcomes(scanner, f"<p>{tag}x</a>") == [outcome]


@pytest.mark.parametrize(("value", "outcome"), VALUES.items(), ids=[ascii(value)[:40] for value in VALUES])
def test_a_value_has_the_outcome_of_its_row(scanner: Scanner, value: str, outcome: str) -> None:
    """What the destination looks like decides next: the rows `placeholder` to `too-long-destination`."""
    assert scan_outcomes(scanner, f'<a href="{value}">x</a>') == [outcome]


def test_a_lost_quote_is_malformed(scanner: Scanner) -> None:
    """A value that has swallowed the markup up to the next quote is not tracked."""
    document = '<a href="https://x.example/>x</a><a href="https://y.example/">'
    assert scan_outcomes(scanner, document) == ["malformed"]


@pytest.mark.parametrize(
    ("length", "outcome"), [(99, "tracked"), (100, "tracked"), (101, "too-long"), (5000, "too-long")]
)
def test_the_limit_counts_the_whole_tag(scanner: Scanner, length: int, outcome: str) -> None:
    """A tag of `tag_limit` bytes is judged, one byte more is `too-long`, and the next link is found."""
    tag = '<a href="https://x.example/" title="">'
    tag = tag.replace('title=""', f'title="{"x" * (length - len(tag))}"')
    result = scanner.scan(f"{tag}<a href='/'>".encode(), ReferenceSwitches(tag_limit=100))
    assert [link.outcome for link in result] == [outcome, "not-http"]
    assert (result[0].start, result[0].end) == (0, length)


def test_the_default_limit_is_64_kib(scanner: Scanner) -> None:
    """65,536 bytes are judged and 65,537 are not."""
    tag = '<a href="https://x.example/" title="{}">'
    room = 65536 - len(tag) + 2
    assert scan_outcomes(scanner, tag.format("x" * room)) == ["tracked"]
    assert scan_outcomes(scanner, tag.format("x" * (room + 1))) == ["too-long"]


@pytest.mark.parametrize("tag", ["<a name='{}'>", "<a data-as-no-track href='https://x.example/{}'>", "<a href=x{}>"])
def test_too_long_comes_before_the_attributes(scanner: Scanner, tag: str) -> None:
    """The order of the table: `too-long` wins over `no-href`, `opted-out` and `unquoted`."""
    assert scan_outcomes(scanner, tag.format("x" * 200), ReferenceSwitches(tag_limit=100)) == ["too-long"]


def test_unterminated_comes_before_too_long(scanner: Scanner) -> None:
    """A tag that is over the limit and never ends is `unterminated`."""
    assert scan_outcomes(scanner, "<a name='" + "x" * 200, ReferenceSwitches(tag_limit=100)) == ["unterminated"]
