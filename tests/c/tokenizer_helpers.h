/* tokenizer_helpers.h: run a document through the tokenizer with a chosen setup, and check what must always hold.
 *
 * Whatever the setup, the findings must be the same: that is what the tests and the fuzz target compare. While
 * running, it plays the caller that tokenizer.h describes: it forgets each chunk, retains only what lw_scan_retain_from says,
 * and joins and lexes tags that were split.
 */
#ifndef LW_TEST_TOKENIZER_HELPERS_H
#define LW_TEST_TOKENIZER_HELPERS_H

#include "destination_class.h"

/* Where a chunk lies while it is scanned. NULL: on the heap, in a block of exactly its size. */
typedef struct {
  const uint8_t *(*place)(const uint8_t *bytes, size_t n);
  void (*release)(const uint8_t *placed);
} memory;

/* How to run. Sizes of chunks: `first`, then `rest` each; with a seed, random ones of 1 to `rest`. */
typedef struct {
  lw_options options;
  size_t first, rest, capacity;
  uint64_t seed;
  const memory *memory;
} scan_setup;

/* One link tag, with its classification. Offsets are of the document; 0 where there is no quoted value. */
typedef struct {
  uint64_t start, end, value, value_end, destination_length, destination_hash;
  uint8_t kind, element, outcome, has_href, quoted, equals_spaced, opted_out, self_closing, warnings;
} finding;

/* Also where the scan stands when the document ends: a difference there would show in what might follow. */
typedef struct {
  finding *of;
  size_t count, room;
  lw_scan last;
} findings;

/* Scan document[0..n); returns the findings, to be released with free_findings. Aborts when anything is wrong. */
findings scan_document(const uint8_t *document, size_t n, const scan_setup *setup);

/* Aborts unless both ways found the same. */
void check_same(const findings *a, const findings *b);

void free_findings(findings *found);

/* A generator of chunk sizes and markup: the next number of a seeded sequence (xorshift64*). */
uint64_t next_random(uint64_t *state);

/* The usable skip with number `i` of LW_FAST_SCAN_VARIANTS, best first; NULL behind the last: the portable path. */
lw_fast_scan_fn usable_skip(size_t i);

#endif
