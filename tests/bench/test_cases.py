"""The generated documents and their answers, against judges that had no part in making them."""

import hashlib
from html.parser import HTMLParser

import pytest
from bench.cases import Case, generate_newsletter, list_cases, load_case
from bench.cases.document_stats import REAL_MAIL_STATS, compute_stats
from bench.cases.hostile import generate_hostile
from bench.cases.stream import DocumentStream

from linkweir.benchmark import EngineNotInstalledError, check_output, load_engine

CLEAN_CASES = ["newsletter 10 KB", "newsletter 100 KB", "newsletter 1 MB", "link-dense 100 KB"]


class AnchorParser(HTMLParser):
    """What the standard library sees: all `a` tags, and the web addresses among their hrefs."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.count = 0
        self.destinations: list[str] = []
        self.feed(document.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an `a` tag."""
        if tag != "a":
            return
        self.count += 1
        values = dict(reversed(attrs))
        href = values.get("href") or ""
        if href.startswith(("http://", "https://")) and "data-as-no-track" not in values:
            self.destinations.append(href)


@pytest.mark.parametrize("name", CLEAN_CASES)
def test_html_parser_agrees(name: str) -> None:
    """The standard library finds the destinations that the generator noted, in order, and as many `a`
    tags."""
    seen = AnchorParser(load_case(name).document)
    assert (seen.destinations, seen.count) == (load_case(name).destinations, load_case(name).anchors)


def test_a_tree_builder_agrees_on_the_hostile_case() -> None:
    """html5-parser, told only what a web address is, finds every link of the hostile case and no other."""
    try:
        judged = check_output(load_engine("html5-parser"), load_case("hostile 100 KB"))
    except EngineNotInstalledError as reason:
        pytest.skip(str(reason))
    assert (judged.failure, judged.wrong) == ("", 0)


@pytest.mark.parametrize("example", list_cases(), ids=lambda example: example.name)
def test_sites_lie_between_equal_quotes(example: Case) -> None:
    """Every site is enclosed by the same kind of quote on both sides, and the sites' tags are in order."""
    document = example.document
    for site in example.sites:
        assert document[site.start - 1 : site.start] == document[site.end : site.end + 1]
        assert document[site.start - 1] in b"\"'"
    indexes = [site.index for site in example.sites]
    assert indexes == sorted(set(indexes))
    assert indexes[-1] < example.anchors


@pytest.mark.parametrize("name", ["newsletter 100 KB", "newsletter 1 MB"])
@pytest.mark.parametrize("figure", [figure for figure in REAL_MAIL_STATS if figure != "share of bytes in style blocks"])
def test_newsletters_resemble_real_ones(name: str, figure: str) -> None:
    """Every figure is within a quarter of the one measured on real newsletters, but for the style blocks."""
    assert compute_stats(load_case(name))[figure] == pytest.approx(REAL_MAIL_STATS[figure], rel=0.25, abs=0.01)


@pytest.mark.parametrize("size", [10_000, 100_000, 1_000_000])
def test_newsletters_have_their_size(size: int) -> None:
    """A newsletter is as large as it was ordered, give or take one section."""
    assert abs(len(generate_newsletter("any", size).document) - size) < 3_000


def test_documents_never_change_unnoticed() -> None:
    """The generator gives the same bytes everywhere, so figures from two machines speak of the same
    documents."""
    digest = hashlib.sha256(
        load_case("newsletter 10 KB").document + generate_hostile("any", 10_000).document
    ).hexdigest()
    assert digest[:16] == "5d52a08acd72b248"


def test_rewritten_changes_only_the_sites() -> None:
    """Putting the raw values back gives the document again; a constant is in the output once per site."""
    example = load_case("newsletter 10 KB")
    raw = {site.index: example.document[site.start : site.end].decode() for site in example.sites}
    assert example.expected_output(lambda _, index: raw[index]) == example.document
    assert example.expected_output(lambda destination, index: "CONSTANT").count(b"CONSTANT") == len(example.sites)


def test_a_stream_is_its_chunks() -> None:
    """The chunks are head, blocks and tail without a byte lost, sized and counted as announced."""
    stream = DocumentStream(3_000_000)
    whole = b"".join(stream.chunks())
    assert whole == stream.head + stream.block.document * stream.repeats + stream.tail
    assert len(whole) == stream.size
    assert AnchorParser(whole).destinations == stream.block.destinations * stream.repeats
    assert stream.links == len(stream.block.sites) * stream.repeats


def test_a_stream_is_cut_elsewhere_in_each_block() -> None:
    """The first cut in a block is never at the same place in two repeats that follow each other."""
    stream = DocumentStream(3_000_000)
    lengths = [len(chunk) for chunk in stream.chunks(65_536)]
    per_block = -(-len(stream.block.document) // 65_536)
    assert len({lengths[1], lengths[1 + per_block], lengths[2 + per_block]}) > 1
    assert max(lengths) == 65_536


def test_a_streams_output_size_is_that_of_its_rewritten_blocks() -> None:
    """The announced output size equals that of the block spliced by the generator, plus what surrounds it."""
    stream = DocumentStream(2_000_000)
    block = stream.block.expected_output(lambda destination, index: "https://t.example.com/x")
    expected = len(stream.head) + len(block) * stream.repeats + len(stream.tail)
    assert stream.output_size(b"https://t.example.com/x") == expected
