/* test_destination_class.c: judging and decoding write no byte more than announced and read none outside. */
#include <string.h>

#include "check.h"
#include "test_list.h"
#include "guard_pages.h"
#include "markup_generator.h"
#include "charrefs.h"

enum { ROOM = 200 };

static void check_classification(const uint8_t *value, size_t n, const uint8_t *scratch,
                                 const lw_classification *classification) {
  const uint8_t *from = classification->destination, *to = from + classification->length;
  CHECK(from != NULL);
  CHECK((from >= value && to <= value + n) || (from >= scratch && to <= scratch + lw_scratch_bound(n)));
  CHECK(classification->outcome == LW_TRACKED || classification->outcome >= LW_PLACEHOLDER);
  if (classification->outcome != LW_TRACKED) return;
  size_t scheme = classification->length > 4 && lw_lower(from[4]) == 's' ? 8 : 7;
  CHECK(classification->length > scheme && lw_equals_nocase(from, scheme == 8 ? "https://" : "http://", scheme));
  for (const uint8_t *p = from; p < to; p++) CHECK(*p >= ' ' && (*p != ' ' || (p > from && p < to - 1)));
}

/* The value stands on the heap in a block of its own, as do the scratch bytes: a sanitizer watches both. */
static void classify_one(const uint8_t *bytes, size_t n, const lw_options *options) {
  uint8_t *value = lw_test_room(n), *scratch = lw_test_room(lw_scratch_bound(n));
  lw_classification classification;
  memcpy(value, bytes, n);
  lw_classify_value(value, n, options, scratch, &classification);
  check_classification(value, n, scratch, &classification);
  CHECK(memcmp(value, bytes, n) == 0);
  free(scratch);
  free(value);
}

void classifying_stays_in_its_scratch(void) {
  uint8_t bytes[ROOM];
  uint64_t seed = 6;
  for (size_t i = 0; i < 60000; i++) {
    lw_options options = {.tag_limit = 65536, .track_placeholders = i % 2};
    classify_one(bytes, make_value(&seed, bytes, i % 2 ? ROOM : 24), &options);
  }
}

static void decode_one(const uint8_t *bytes, size_t n) {
  uint8_t *raw = lw_test_room(n), *out = lw_test_room(lw_decoded_bound(n));
  memcpy(raw, bytes, n);
  size_t written = lw_decode_charrefs(raw, n, out);
  CHECK(written <= lw_decoded_bound(n));
  if (memchr(raw, '&', n) == NULL) CHECK(written == n && memcmp(raw, out, n) == 0);
  free(out);
  free(raw);
}

/* The worst growth again and again, cut at every length; then what the generator thinks of. */
void decoding_stays_in_its_bound(void) {
  static const char *const GROWING[] = {"&nGt;", "&nLt;", "&#x1F600;", "&gt", "&#8364", "&nGtv;", "&NotEqualTilde;"};
  uint8_t bytes[ROOM];
  uint64_t seed = 7;
  for (size_t k = 0; k < sizeof GROWING / sizeof *GROWING; k++) {
    size_t length = strlen(GROWING[k]);
    for (size_t i = 0; i < ROOM; i++) bytes[i] = (uint8_t)GROWING[k][i % length];
    for (size_t n = 0; n <= ROOM; n++) decode_one(bytes, n);
  }
  for (size_t i = 0; i < 60000; i++) decode_one(bytes, make_value(&seed, bytes, ROOM));
}

void values_stay_off_the_guard_pages(void) {
  const memory *const sides[] = {&ENDS_AT_GUARD, &BEGINS_AT_GUARD};
  uint8_t bytes[ROOM], scratch[2 * ROOM];
  uint64_t seed = 8;
  lw_options options = {.tag_limit = 65536};
  CHECK(lw_scratch_bound(ROOM) <= sizeof scratch);
  for (size_t i = 0; i < 20000; i++) {
    size_t n = make_value(&seed, bytes, i % 2 ? ROOM : 24);
    const memory *memory = sides[i / 2 % 2];
    const uint8_t *value = memory->place(bytes, n);
    lw_classification classification;
    lw_classify_value(value, n, &options, scratch, &classification);
    CHECK(lw_decode_charrefs(value, n, scratch) <= lw_decoded_bound(n));
    memory->release(value);
  }
}
