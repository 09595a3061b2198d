/* fuzz_tokenizer.c: a libFuzzer target. The first bytes choose switches, sizes of chunks and a sweep; the rest is the
 * document. Every way of scanning it must find what the plain way (one piece, no sweep) finds. */
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

static void check_way(const uint8_t *document, size_t n, const way *way, const findings *plain) {
  findings found = scan_document(document, n, way);
  check_same(plain, &found);
  free_findings(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < CHOICES) return 0;
  const uint8_t *document = data + CHOICES;
  size_t n = size - CHOICES, capacity = 1 + data[3] % 64u;
  way plain = {.first = SIZE_MAX, .rest = 1, .capacity = 64};
  plain.switches = (lw_switches){.tag_limit = LIMITS[data[0] >> 2 & 3],
                                 .outlook = data[0] & 1,
                                 .track_placeholders = data[0] >> 1 & 1,
                                 .opt_out = OPT_OUT,
                                 .opt_out_count = data[0] >> 4 & 3};
  findings expected = scan_document(document, n, &plain);
  way other = plain;
  other.capacity = capacity;
  lw_sweep sweep;
  for (size_t i = 0; (sweep = usable_sweep(i)) != NULL; i++) {
    other.switches.sweep = sweep;
    check_way(document, n, &other, &expected);
  }
  other.first = n ? (data[1] | (size_t)data[2] << 8) % (n + 1) : 0; /* two pieces */
  other.rest = SIZE_MAX;
  check_way(document, n, &other, &expected);
  other.rest = 1 + data[2]; /* many */
  other.seed = data[1];
  other.switches.sweep = usable_sweep(data[3] >> 6 & 1);
  check_way(document, n, &other, &expected);
  other.switches.sweep = NULL;
  other.rest = 1;
  other.seed = 0;
  check_way(document, n, &other, &expected);
  free_findings(&expected);
  return 0;
}
