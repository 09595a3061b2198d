/* test_delta.c: a delta gives back its text, whatever text and base, and nothing outside of them is touched. */
#include <string.h>

#include "check.h"
#include "delta.h"
#include "test_list.h"
#include "tokenizer_helpers.h"

enum { ROOM = 700, ROUNDS = 20000 };

static size_t random_below(uint64_t *seed, size_t limit) { return (size_t)(next_random(seed) >> 32) % limit; }

/* Few different bytes, so that blocks repeat. */
static size_t make_base(uint64_t *seed, uint8_t *base) {
  size_t n = random_below(seed, ROOM), letters = 1 + random_below(seed, 4);
  for (size_t i = 0; i < n; i++) base[i] = (uint8_t)('a' + random_below(seed, letters));
  return n;
}

/* Pieces of the base in any order, and bytes between them. */
static size_t make_text(uint64_t *seed, const uint8_t *base, size_t n, uint8_t *text) {
  size_t m = 0;
  while (m < ROOM && random_below(seed, 8)) {
    size_t from = random_below(seed, n + 1), length = random_below(seed, 200);
    if (length > n - from) length = n - from;
    if (length > ROOM - m) length = ROOM - m;
    memcpy(text + m, base + from, length);
    m += length;
    for (size_t more = random_below(seed, 9); more && m < ROOM; more--) text[m++] = (uint8_t)random_below(seed, 256);
  }
  return m;
}

/* The delta's length; everything is given exactly the room that it asks for. */
static size_t encode(uint8_t *base, size_t n, const uint8_t *text, size_t m, uint8_t **delta) {
  size_t count = lw_delta_slot_count(n);
  uint32_t *slots = lw_test_room(count * sizeof *slots), *cursors = lw_test_room(count * sizeof *cursors);
  lw_delta_index index = {base, n, slots, lw_test_room(lw_delta_block_count(n) * sizeof *slots)};
  lw_delta_build(&index);
  memcpy(cursors, slots, count * sizeof *cursors);
  *delta = lw_test_room(lw_delta_bound(m));
  size_t length = lw_delta_encode(&index, cursors, text, m, *delta);
  CHECK(length <= lw_delta_bound(m));
  free(index.next);
  free(slots);
  free(cursors);
  return length;
}

static void apply(const uint8_t *base, size_t n, const uint8_t *delta, size_t length, const uint8_t *expected, size_t m) {
  size_t size = lw_delta_text_length(n, delta, length);
  if (expected == NULL && (size == SIZE_MAX || size > 100 * ROOM)) return;
  uint8_t *out = lw_test_room(size);
  lw_delta_apply(base, delta, length, out);
  if (expected != NULL) CHECK(size == m && memcmp(out, expected, m) == 0);
  free(out);
}

static void check_round(uint64_t *seed, bool damaged, size_t *saved) {
  uint8_t room[ROOM], text[ROOM], *delta;
  size_t n = make_base(seed, room), m = make_text(seed, room, n, text);
  uint8_t *base = lw_test_room(n);
  memcpy(base, room, n);
  size_t length = encode(base, n, text, m, &delta);
  *saved += m - (length < m ? length : m);
  if (damaged && length) {
    delta[random_below(seed, length)] ^= (uint8_t)(1 << random_below(seed, 8));
    uint8_t *cut = lw_test_room(length -= random_below(seed, 2) * random_below(seed, length));
    memcpy(cut, delta, length);
    apply(base, n, cut, length, NULL, 0);
    free(cut);
  } else {
    apply(base, n, delta, length, text, m);
  }
  free(delta);
  free(base);
}

void a_delta_gives_its_text_back(void) {
  uint64_t seed = 31;
  size_t saved = 0;
  for (size_t i = 0; i < ROUNDS; i++) check_round(&seed, false, &saved);
  CHECK(saved > ROUNDS * 50); /* else there were no matches, and this shows little */
}

void a_damaged_delta_stays_in_its_bounds(void) {
  uint64_t seed = 32;
  size_t saved = 0;
  for (size_t i = 0; i < ROUNDS; i++) check_round(&seed, true, &saved);
}
