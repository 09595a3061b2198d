/* test_tokenizer.c: however a document is scanned, the findings are those of the plain setup. */
#include <string.h>

#include "check.h"
#include "test_list.h"
#include "guard_pages.h"
#include "markup_generator.h"
#include "tokenizer_internal.h"

enum { ROOM = 700, SHORT = 160 };

static const lw_opt_out OPT_OUT[] = {{"ses:no-track", NULL, 12, 0}, {"clicktracking", "off", 13, 3}};

static const scan_setup PLAIN = {.first = SIZE_MAX, .rest = SIZE_MAX, .capacity = 64, .options = {.tag_limit = 65536}};

/* Switches vary with the number of the document. */
static scan_setup plain_setup(size_t i) {
  scan_setup setup = PLAIN;
  setup.options.outlook = i % 2;
  setup.options.track_placeholders = i / 2 % 2;
  setup.options.opt_out = OPT_OUT;
  setup.options.opt_out_count = i % 3;
  if (i % 7 == 6) setup.options.tag_limit = 40;
  return setup;
}

static void check_setup(const uint8_t *document, size_t n, const scan_setup *setup, const findings *expected) {
  findings found = scan_document(document, n, setup);
  check_same(expected, &found);
  free_findings(&found);
}

void fast_scan_variants_agree(void) {
  uint8_t document[ROOM];
  uint64_t seed = 1;
  for (size_t i = 0; i < 30000; i++) {
    size_t n = make_markup(&seed, document, ROOM);
    scan_setup plain = plain_setup(i), other = plain;
    findings expected = scan_document(document, n, &plain);
    for (size_t k = 0; (other.options.skip = usable_skip(k)) != NULL; k++) {
      other.first = SIZE_MAX;
      other.seed = 0;
      check_setup(document, n, &other, &expected);
      other.first = 1 + (size_t)(next_random(&seed) % n);
      other.rest = 1 + (size_t)(next_random(&seed) % 300);
      other.seed = 1 + i;
      check_setup(document, n, &other, &expected);
    }
    free_findings(&expected);
  }
}

/* What a skip passes must be complete and without links: the states, stopped there, are in text and in HTML. */
void skips_stop_in_text(void) {
  uint8_t document[ROOM];
  uint64_t seed = 2;
  lw_fast_scan_fn skip;
  size_t passed = 0, total = 0;
  for (size_t i = 0; i < 60000; i++) {
    size_t n = make_markup(&seed, document, ROOM);
    for (size_t k = 0; (skip = usable_skip(k)) != NULL; k++) {
      const uint8_t *stop = skip(document, document + n);
      CHECK(stop >= document && stop <= document + n);
      lw_scan scan = {0};
      lw_span span;
      lw_spans out = {&span, 0, 1};
      lw_options options = {.tag_limit = 65536};
      CHECK(lw_scan_feed(&scan, &options, document, (size_t)(stop - document), &out) == (size_t)(stop - document));
      CHECK(out.count == 0 && scan.document.state == LW_DATA && scan.document.depth == 0 && !scan.document.ambiguous);
      passed += (size_t)(stop - document);
      total += n;
    }
  }
  CHECK(total == 0 || passed > total / 20); /* else this shows nothing */
}

static size_t append(uint8_t *out, size_t n, const char *text) {
  memcpy(out + n, text, strlen(text));
  return n + strlen(text);
}

/* A document with the inside of a tag that the number spells in seven letters, then a link and both quotes. */
static size_t spell(size_t number, size_t letters, size_t shift, uint8_t *out) {
  static const char *const LETTERS[] = {" a=", " ", "=", "\"", "'", "x", "/"};
  size_t n = shift;
  memset(out, 'x', shift);
  n = append(out, n, "<td");
  for (; letters; letters--, number /= 7) n = append(out, n, LETTERS[number % 7]);
  n = append(out, n, "> <a href=\"https://h\"> '> <a href='https://h'> \"> ");
  memset(out + n, ' ', 2 * 64);
  return n + 2 * 64;
}

static size_t links_of(lw_fast_scan_fn skip, const uint8_t *document, size_t n, lw_span *spans) {
  lw_scan scan = {0};
  lw_spans out = {spans, 0, 8};
  lw_options options = {.tag_limit = 65536, .skip = skip};
  lw_scan_feed(&scan, &options, document, n, &out);
  return out.count;
}

/* All of them, up to six letters, each at places that move the blocks' limits through the tag. */
void skips_read_every_short_tag(void) {
  uint8_t document[512];
  lw_span expected[8], found[8];
  lw_fast_scan_fn skip;
  for (size_t letters = 1, all = 7; letters <= 6; letters++, all *= 7) {
    for (size_t number = 0; number < all; number++) {
      size_t n = spell(number, letters, 64 - 3 - 2 * letters + number % (3 * letters), document);
      size_t count = links_of(NULL, document, n, expected);
      for (size_t k = 0; (skip = usable_skip(k)) != NULL; k++) {
        CHECK(links_of(skip, document, n, found) == count);
        for (size_t i = 0; i < count; i++)
          CHECK(found[i].start == expected[i].start && found[i].end == expected[i].end);
      }
    }
  }
}

void every_split_finds_the_same(void) {
  uint8_t document[SHORT];
  uint64_t seed = 3;
  for (size_t i = 0; i < 1500; i++) {
    size_t n = make_markup(&seed, document, SHORT);
    scan_setup plain = plain_setup(i), other = plain;
    findings expected = scan_document(document, n, &plain);
    for (size_t k = 0; k == 0 || other.options.skip; k++) { /* each skip, and at last none */
      other.options.skip = usable_skip(k);
      other.rest = SIZE_MAX;
      for (other.first = 1; other.first < n; other.first++) check_setup(document, n, &other, &expected);
      for (other.first = other.rest = 1; other.rest <= 5; other.rest++) check_setup(document, n, &other, &expected);
    }
    free_findings(&expected);
  }
}

void small_arrays_find_the_same(void) {
  uint8_t document[ROOM];
  uint64_t seed = 4;
  for (size_t i = 0; i < 4000; i++) {
    size_t n = make_markup(&seed, document, ROOM);
    scan_setup plain = plain_setup(i), other = plain;
    findings expected = scan_document(document, n, &plain);
    other.options.skip = i % 4 ? usable_skip(i % 2) : NULL;
    for (other.capacity = 1; other.capacity <= 3; other.capacity++) {
      other.first = i % 5 ? SIZE_MAX : 1 + i % n;
      check_setup(document, n, &other, &expected);
    }
    free_findings(&expected);
  }
}

void scanning_stays_off_the_guard_pages(void) {
  const memory *const sides[] = {&ENDS_AT_GUARD, &BEGINS_AT_GUARD};
  uint8_t document[ROOM];
  uint64_t seed = 5;
  for (size_t i = 0; i < 2000; i++) {
    size_t n = make_markup(&seed, document, ROOM);
    scan_setup plain = plain_setup(i), other = plain;
    findings expected = scan_document(document, n, &plain);
    other.memory = sides[i % 2];
    for (size_t k = 0; k == 0 || other.options.skip; k++) {
      other.options.skip = usable_skip(k);
      other.first = other.rest = SIZE_MAX;
      check_setup(document, n, &other, &expected);
      other.first = 1 + (size_t)(next_random(&seed) % n);
      check_setup(document, n, &other, &expected);
    }
    free_findings(&expected);
  }
}

/* What looks ahead from a '<' must not look behind the end, wherever the end cuts the tag. */
void tags_cut_at_the_guard_page_are_read_no_further(void) {
  static const char *const TAGS[] = {"<strong", "<style>", "<st", "<a >", "</a>", "</p>", "<!--", "<td a=", "<td a=\"x"};
  uint8_t document[256];
  for (size_t k = 0; k < sizeof TAGS / sizeof *TAGS; k++) {
    for (size_t n = strlen(TAGS[k]); n < sizeof document; n++) {
      for (size_t cut = 1; cut <= strlen(TAGS[k]); cut++) {
        memset(document, 'x', sizeof document);
        memcpy(document + n - cut, TAGS[k], cut);
        scan_setup setup = PLAIN;
        findings expected = scan_document(document, n, &setup);
        setup.memory = &ENDS_AT_GUARD;
        for (size_t i = 0; (setup.options.skip = usable_skip(i)) != NULL; i++) check_setup(document, n, &setup, &expected);
        free_findings(&expected);
      }
    }
  }
}

void a_zeroed_scan_is_valid(void) {
  lw_scan scan;
  lw_span span;
  lw_spans out = {&span, 0, 1};
  lw_options options = {.tag_limit = 65536};
  const uint8_t tag[] = "<a href=\"https://h\">";
  memset(&scan, 0, sizeof scan);
  CHECK(lw_scan_retain_from(&scan, &options) == LW_RETAIN_NOTHING);
  CHECK(lw_scan_feed(&scan, &options, tag, 0, &out) == 0 && out.count == 0);
  lw_scan_finish(&scan, &out);
  CHECK(out.count == 0);
  CHECK(lw_scan_feed(&scan, &options, tag, sizeof tag - 1, &out) == sizeof tag - 1);
  CHECK(out.count == 1 && span.start == 0 && span.end == sizeof tag - 1 && span.kind == LW_SPAN_COMPLETE);
}

typedef struct {
  const char *bytes;
  size_t n;
  size_t links;
  bool outlook;
} once_wrong;

#define BYTES(text) text, sizeof text - 1

/* Each was found by fuzzing or by the reference implementation. */
static const once_wrong ONCE_WRONG[] = {
    {BYTES("<s\0\0><a href=x>"), 1, false}, /* a name with a NUL was compared beyond the table's text */
    {BYTES("<!--[if ]><v:rect><a href=\"https://x.example/\"><a href=\"https://x.example/\">"), 3, true}, /* swept over */
};

void found_bugs_stay_fixed(void) {
  for (size_t i = 0; i < sizeof ONCE_WRONG / sizeof *ONCE_WRONG; i++) {
    const once_wrong *was = &ONCE_WRONG[i];
    const uint8_t *document = (const uint8_t *)was->bytes;
    scan_setup setup = PLAIN;
    setup.options.outlook = was->outlook;
    findings expected = scan_document(document, was->n, &setup);
    CHECK(expected.count == was->links);
    for (size_t k = 0; k == 0 || setup.options.skip; k++) {
      setup.options.skip = usable_skip(k);
      for (setup.first = 1; setup.first <= was->n; setup.first++) check_setup(document, was->n, &setup, &expected);
    }
    free_findings(&expected);
  }
}
