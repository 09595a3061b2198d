/* fuzz_tokenizer.c: a libFuzzer target. The first bytes choose options, sizes of chunks and a skip
 * variant; the rest is the document. Every setup must find what the plain one (one piece, no skip) finds. */
#include "check.h"
#include "tokenizer_helpers.h"

enum { CHOICES = 4 };

static const lw_opt_out OPT_OUT[] = {
    {"ses:no-track", NULL, 12, 0},
    {"clicktracking", "off", 13, 3},
    {"x", "", 1, 0},
};

static const uint64_t LIMITS[] = {65536, 200, 33, 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_setup(const uint8_t *document, size_t n, const scan_setup *setup, const findings *plain) {
  findings found = scan_document(document, n, setup);
  check_same(plain, &found);
  free_findings(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < CHOICES) return 0;
  const uint8_t *document = data + CHOICES;
  size_t n = size - CHOICES, capacity = 1 + data[3] % 64u;
  scan_setup plain = {.first = SIZE_MAX, .rest = 1, .capacity = 64};
  plain.options = (lw_options){.tag_limit = LIMITS[data[0] >> 2 & 3],
                                 .outlook = data[0] & 1,
                                 .track_placeholders = data[0] >> 1 & 1,
                                 .opt_out = OPT_OUT,
                                 .opt_out_count = data[0] >> 4 & 3};
  findings expected = scan_document(document, n, &plain);
  scan_setup other = plain;
  other.capacity = capacity;
  lw_fast_scan_fn skip;
  for (size_t i = 0; (skip = usable_skip(i)) != NULL; i++) {
    other.options.skip = skip;
    check_setup(document, n, &other, &expected);
  }
  other.first = n ? (data[1] | (size_t)data[2] << 8) % (n + 1) : 0; /* two pieces */
  other.rest = SIZE_MAX;
  check_setup(document, n, &other, &expected);
  other.rest = 1 + data[2]; /* many */
  other.seed = data[1];
  other.options.skip = usable_skip(data[3] >> 6 & 1);
  check_setup(document, n, &other, &expected);
  other.options.skip = NULL;
  other.rest = 1;
  other.seed = 0;
  check_setup(document, n, &other, &expected);
  free_findings(&expected);
  return 0;
}
