"""Is a wrong engine found out? Engines are made here from the generator's own answer, each with one fault."""

from bench.cases import Case, LinkSite, load_case

from linkweir.benchmark import Engine, check_output
from linkweir.benchmark.answer_check import are_bytes_preserved, count_wrong_links
from linkweir.benchmark.rewriting_engine import CONSTANT, Replace, normalize_destination

EXAMPLE = load_case("newsletter 10 KB")


def make_engine(sites: tuple[LinkSite, ...], before: bytes = b"", after: bytes = b"") -> Engine:
    """An engine for EXAMPLE alone that replaces these sites and surrounds the output."""

    def rewrite(document: bytes, replace: Replace) -> bytes:
        known = Case("made", document, sites)
        return before + known.expected_output(lambda destination, index: replace(destination)) + after

    return Engine("made", lambda document: rewrite(document, lambda destination: CONSTANT), rewrite)


def test_a_right_engine_is_right() -> None:
    """All sites replaced and nothing else: right."""
    assert str(check_output(make_engine(EXAMPLE.sites), EXAMPLE)) == "right"


def test_a_missed_link_is_named() -> None:
    """One site left alone is one wrong link; the bytes outside are still the document's."""
    verdict = check_output(make_engine(EXAMPLE.sites[1:]), EXAMPLE)
    assert str(verdict) == f"wrong: 1 of {len(EXAMPLE.sites)} links"


def test_a_wrong_destination_counts_once() -> None:
    """A link replaced with another destination in mind is one wrong link, not two."""
    first = EXAMPLE.sites[0]
    wrong = LinkSite(first.start, first.end, first.destination + "x", first.index)
    assert check_output(make_engine((wrong, *EXAMPLE.sites[1:])), EXAMPLE).wrong == 1


def test_bytes_changed_outside_are_named() -> None:
    """A byte more before or after the document is a change, whatever the links are."""
    for verdict in (
        check_output(make_engine(EXAMPLE.sites, b" "), EXAMPLE),
        check_output(make_engine(EXAMPLE.sites, b"", b"\n"), EXAMPLE),
    ):
        assert str(verdict) == "bytes changed outside"


def test_an_exception_is_an_answer() -> None:
    """An engine that raises fails with the name of what it raised."""

    def broken(document: bytes, replace: Replace) -> bytes:
        raise ValueError("no")

    verdict = check_output(Engine("broken", lambda document: document, broken), EXAMPLE)
    assert str(verdict) == "fails: ValueError"
    assert not verdict.is_correct


def test_what_is_timed_must_do_the_work() -> None:
    """An engine whose timed form leaves the links alone is wrong, although its judged form is right."""
    lazy = Engine("lazy", lambda document: document, make_engine(EXAMPLE.sites).rewrite)
    assert check_output(lazy, EXAMPLE).wrong == len(EXAMPLE.sites)


def test_requoting_a_tag_is_a_change() -> None:
    """Other quotes around a replaced value are bytes changed outside it."""
    document = b"<p><a href='https://example.com/'>x</a> and the rest"
    assert are_bytes_preserved(document, document.replace(b"https://example.com/", CONSTANT.encode()))
    assert not are_bytes_preserved(document, f'<p><a href="{CONSTANT}">x</a> and the rest'.encode())


def test_links_are_counted_with_their_number() -> None:
    """The same destination twice is expected twice."""
    assert count_wrong_links(["a", "a", "b"], ["a", "b"]) == 1
    assert count_wrong_links(["a"], ["a", "c", "d"]) == 2
    assert count_wrong_links(["a", "b"], ["b", "a"]) == 0


def test_peers_are_only_held_to_html() -> None:
    """A peer may replace a link that only our rules leave alone; an engine of ours may not."""
    excused = LinkSite(EXAMPLE.sites[0].start, EXAMPLE.sites[0].end, "https://rule.example/", 0)
    example = Case("rules", EXAMPLE.document, EXAMPLE.sites[1:], EXAMPLE.anchors, peer_exemption="rule.example")
    peer = make_engine((excused, *EXAMPLE.sites[1:]))
    assert check_output(peer, example).wrong == 0
    assert check_output(Engine("ours", peer.constant, peer.rewrite, is_linkweir=True), example).wrong == 1


def test_destinations_are_normalized_for_peers() -> None:
    """Padding goes, as the URL standard says; what is no web address, or a merge field, is none."""
    assert normalize_destination(" \x01https://exa\n\tmple.com/ ") == "https://example.com/"
    assert normalize_destination("HTTP://example.com") == "HTTP://example.com"
    assert normalize_destination("mailto:a@example.com") is None
    assert normalize_destination("https://example.com/{{ id }}") is None
