"""The C sources compiled alone, under AddressSanitizer and UndefinedBehaviorSanitizer: runs tests/c/main.c's checks."""

import subprocess
from pathlib import Path

import pytest

from tests.c.toolchain import (
    ARROW_SOURCES,
    C_FOLDER,
    HTML,
    HTTP_SOURCES,
    JOURNAL_SOURCES,
    MIME_SOURCES,
    SANITIZER_FLAGS,
    TOKENS,
    build_program,
    can_link,
    find_compilers,
    skip_or_fail,
)

HELPERS = ("main", "tokenizer_helpers", "url_codec_helpers", "encoding_helpers", "markup_generator", "guard_pages")
TESTED = (
    "tokenizer",
    "destination_class",
    "url_codec",
    "transfer_encodings",
    "delta",
    "commit_queue",
    "request_head",
    "rewrite_rows",
)
SOURCES = [C_FOLDER / f"{name}.c" for name in HELPERS]
CHECK_SOURCES = [C_FOLDER / f"test_{name}.c" for name in TESTED]


@pytest.fixture(scope="module", params=["cc", "clang"])
def check_program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of checks, built strictly by one compiler."""
    compiler: str = request.param
    if compiler not in find_compilers():
        skip_or_fail(f"no compiler named {compiler}")
    folder = tmp_path_factory.mktemp(compiler)
    if not can_link(compiler, folder, "int main(void) { return 0; }\n", *SANITIZER_FLAGS):
        skip_or_fail(f"{compiler} has no sanitizer runtime")
    program = folder / "checks"
    build_program(
        compiler,
        [*SOURCES, *CHECK_SOURCES, *HTML, *TOKENS, *ARROW_SOURCES, *MIME_SOURCES, *JOURNAL_SOURCES, *HTTP_SOURCES],
        program,
        "-g",
        "-O1",
        *SANITIZER_FLAGS,
    )
    return program


def run_check(program: Path, *names: str) -> str:
    """Runs one check (or lists them) and returns its output; fails with what it said when it does not hold."""
    command = [str(program), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_every_fast_scan_variant_finds_what_the_portable_path_finds(check_program: Path) -> None:
    """Each vector variant finds the same links as no skip at all, in one piece and in random pieces."""
    run_check(check_program, "fast_scan_variants_agree")


def test_a_skip_passes_only_what_is_complete(check_program: Path) -> None:
    """Where a skip stops, the tokenizer is in text, with no foreign element open and no link behind it."""
    run_check(check_program, "skips_stop_in_text")


def test_a_skip_reads_every_short_tag_right(check_program: Path) -> None:
    """Every tag whose inside is up to six of space, =, both quotes, /, x and an attribute leaves the links right."""
    run_check(check_program, "skips_read_every_short_tag")


def test_every_split_finds_the_same(check_program: Path) -> None:
    """Any two pieces, and pieces of one to five bytes, give the findings of the whole, with and without each skip."""
    run_check(check_program, "every_split_finds_the_same")


def test_an_array_of_one_to_three_spans_finds_the_same(check_program: Path) -> None:
    """The scanner returns early when the caller's array is full, and loses nothing by it."""
    run_check(check_program, "small_arrays_find_the_same")


def test_scanning_reads_nothing_beside_its_buffer(check_program: Path) -> None:
    """With a forbidden page right behind the input, or right before it, scanning finds the same and does not fault."""
    run_check(check_program, "scanning_stays_off_the_guard_pages")


def test_a_tag_cut_by_the_end_is_read_no_further(check_program: Path) -> None:
    """Tags cut at every byte, before a forbidden page, at every distance from a block's limit, do not fault."""
    run_check(check_program, "tags_cut_at_the_guard_page_are_read_no_further")


def test_a_zeroed_scan_is_valid(check_program: Path) -> None:
    """A scan of zero bytes of memory can be asked, fed, finished, and reports what it is fed."""
    run_check(check_program, "a_zeroed_scan_is_valid")


def test_past_bugs_stay_fixed(check_program: Path) -> None:
    """Documents that were once scanned wrongly have the links they have, at every size of chunk."""
    run_check(check_program, "found_bugs_stay_fixed")


def test_classifying_stays_in_its_scratch(check_program: Path) -> None:
    """Classifying a value needs no more scratch than lw_scratch_bound says, and leaves the value as it was."""
    run_check(check_program, "classifying_stays_in_its_scratch")


def test_decoding_stays_in_its_bound(check_program: Path) -> None:
    """Decoded values are never longer than lw_decoded_bound, whatever references they hold."""
    run_check(check_program, "decoding_stays_in_its_bound")


def test_values_are_read_to_their_ends_and_no_further(check_program: Path) -> None:
    """With a forbidden page beside the value, classifying and decoding do not fault."""
    run_check(check_program, "values_stay_off_the_guard_pages")


def test_compressing_round_trips_in_exactly_its_room(check_program: Path) -> None:
    """Any destination up to the limit decompresses to itself in exactly its room, and is refused in less."""
    run_check(check_program, "compressing_round_trips")


def test_random_bytes_are_refused_or_canonical(check_program: Path) -> None:
    """Random bytes are either refused or the one compressed form of what they decompress to."""
    run_check(check_program, "random_bytes_are_refused_or_canonical")


def test_compressing_reads_nothing_beside_its_input(check_program: Path) -> None:
    """With a forbidden page beside the input, compressing and decompressing do not fault."""
    run_check(check_program, "compressing_stays_off_the_guard_pages")


def test_base64url_has_one_text(check_program: Path) -> None:
    """A text that decodes is the only one of its bytes; encoding and decoding write no byte too many."""
    run_check(check_program, "base64url_has_one_text")


def test_quoted_printable_is_spliced_as_its_text(check_program: Path) -> None:
    """A changed part decodes to its changed text, in the announced room; no line grows beyond 76 characters and "="."""
    run_check(check_program, "quoted_printable_is_spliced_as_its_text")


def test_base64_is_read_alike(check_program: Path) -> None:
    """Vector or not, a part is refused by all or holds the same content, at any width and with any damage."""
    run_check(check_program, "base64_is_read_alike_by_every_variant")


def test_base64_is_written_alike(check_program: Path) -> None:
    """Vector or not, content becomes the same lines, in exactly the announced room, and decodes to itself."""
    run_check(check_program, "base64_is_written_alike_by_every_variant")


def test_every_byte_is_classified(check_program: Path) -> None:
    """Each of the 256 bytes, at each place of a block, is taken or refused by the alphabet alone."""
    run_check(check_program, "every_byte_is_of_the_alphabet_or_not")


def test_memmem_locates_a_needle(check_program: Path) -> None:
    """Searching finds what comparing at each place finds."""
    run_check(check_program, "a_needle_is_found_where_it_first_stands")


def test_deltas_give_their_texts_back(check_program: Path) -> None:
    """A delta of a random text over a random base gives the text, and is not longer than announced."""
    run_check(check_program, "a_delta_gives_its_text_back")


def test_a_damaged_delta_stays_in_its_bounds(check_program: Path) -> None:
    """What is read of a delta that was cut or changed lies in it and in its base, and is as long as announced."""
    run_check(check_program, "a_damaged_delta_stays_in_its_bounds")


def test_encodings_read_nothing_beside_their_input(check_program: Path) -> None:
    """With a forbidden page beside the input, decoding, splicing, encoding and searching do not fault."""
    run_check(check_program, "encodings_stay_off_the_guard_pages")


def test_headers_read_nothing_beside_their_input(check_program: Path) -> None:
    """With a forbidden page beside the input, reading headers and measuring lines do not fault."""
    run_check(check_program, "headers_stay_off_the_guard_pages")


def test_a_queue_loses_nothing_of_any_thread(check_program: Path) -> None:
    """What several threads put in at once is in the file, each thread's in its order, framed and counted."""
    run_check(check_program, "a_queue_keeps_all_of_every_thread")


def test_a_queue_has_bounds(check_program: Path) -> None:
    """Full or closed, a queue accepts nothing; discarded records are complete and not durable."""
    run_check(check_program, "a_queue_has_bounds")


def test_a_queue_reports_what_it_cannot_do(check_program: Path) -> None:
    """A full file, a moved one and one that cannot be written are told apart, and no fact is lost by them."""
    run_check(check_program, "a_queue_reports_what_it_cannot_do")


def test_no_check_is_left_out(check_program: Path) -> None:
    """Every check that the program knows is run by a test of this file."""
    names = run_check(check_program).split()
    source = Path(__file__).read_text()
    assert names
    assert [name for name in names if f'"{name}"' not in source] == []


def test_plain_heads_are_read_whole_or_not_at_all(check_program: Path) -> None:
    """The head of a plain request is read when all of it is there, and no byte behind it is touched."""
    run_check(check_program, "plain_heads_are_read_whole_or_not_at_all")


def test_heads_that_are_not_plain_are_left_alone(check_program: Path) -> None:
    """A head that is unusual in any way, or has too many fields, is not read at all."""
    run_check(check_program, "heads_that_are_not_plain_are_left_alone")


def test_rows_end_where_their_buffers_end(check_program: Path) -> None:
    """A column is read, and its rows are written, in exactly the room that was asked for, before a forbidden page."""
    run_check(check_program, "rows_stay_off_the_guard_pages")


def test_columns_that_contradict_themselves_are_refused(check_program: Path) -> None:
    """Offsets that go back, views beyond their buffer and indexes beyond their dictionary give no text."""
    run_check(check_program, "contradictions_are_refused")


def test_prefixes_have_the_sizes_of_their_format(check_program: Path) -> None:
    """Every kind of id makes a prefix in the room for one; ids that no token can hold make none."""
    run_check(check_program, "prefixes_fit_their_room")
