/* test_url_codec.c: packing is exact and canonical, and neither direction leaves the ranges it is given. */
#include <string.h>

#include "base64url.h"
#include "check.h"
#include "test_list.h"
#include "guard_pages.h"
#include "markup_generator.h"
#include "url_codec_helpers.h"

enum { ROOM = 300 };

void compressing_round_trips(void) {
  uint8_t bytes[LW_MAX_URL_BYTES + 1] = {0};
  uint64_t seed = 9;
  for (size_t i = 0; i < 30000; i++) check_destination(bytes, make_value(&seed, bytes, ROOM));
  for (size_t n = 0; n <= LW_MAX_URL_BYTES; n += 1 + n / 3) {
    memset(bytes, 'f', n); /* one run as long as can be */
    check_destination(bytes, n);
    memset(bytes, 0xFF, n); /* the most expensive bytes */
    check_destination(bytes, n);
  }
  memset(bytes, 0xFF, LW_MAX_URL_BYTES);
  check_destination(bytes, LW_MAX_URL_BYTES);
  uint8_t *room = lw_test_room(LW_URL_COMPRESSED_BOUND(LW_MAX_URL_BYTES + 1));
  size_t bound = LW_URL_COMPRESSED_BOUND(LW_MAX_URL_BYTES + 1);
  CHECK(lw_url_compress(bytes, LW_MAX_URL_BYTES + 1, room, bound) == LW_URL_REFUSED);
  free(room);
}

void random_bytes_are_refused_or_canonical(void) {
  uint8_t bytes[64];
  uint64_t seed = 10;
  size_t accepted = 0, all = 200000;
  for (size_t i = 0; i < all; i++) {
    size_t n = (size_t)(next_random(&seed) % sizeof bytes);
    for (size_t k = 0; k < n; k++) bytes[k] = (uint8_t)(next_random(&seed) >> 56);
    accepted += check_compressed(bytes, n);
  }
  CHECK(accepted > 0 && accepted < all); /* else one half of this shows nothing */
}

void compressing_stays_off_the_guard_pages(void) {
  const memory *const sides[] = {&ENDS_AT_GUARD, &BEGINS_AT_GUARD};
  uint8_t bytes[ROOM], compressed[LW_URL_COMPRESSED_BOUND(ROOM)], again[ROOM];
  uint64_t seed = 11;
  for (size_t i = 0; i < 20000; i++) {
    size_t n = make_value(&seed, bytes, i % 2 ? ROOM : 24);
    const memory *memory = sides[i / 2 % 2];
    const uint8_t *placed = memory->place(bytes, n);
    size_t length = lw_url_compress(placed, n, compressed, sizeof compressed);
    memory->release(placed);
    CHECK(length != LW_URL_REFUSED);
    placed = memory->place(compressed, length);
    CHECK(lw_url_decompress(placed, length, again, n) == n && memcmp(again, bytes, n) == 0);
    memory->release(placed);
  }
}

void base64url_has_one_text(void) {
  static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \n\x80";
  uint8_t bytes[64];
  uint64_t seed = 12;
  size_t accepted = 0;
  for (size_t i = 0; i < 100000; i++) {
    size_t n = (size_t)(next_random(&seed) % sizeof bytes), choices = i % 2 ? 64 : sizeof ALPHABET - 1;
    for (size_t k = 0; k < n; k++) bytes[k] = (uint8_t)ALPHABET[(next_random(&seed) >> 32) % choices];
    accepted += check_text(bytes, n);
    check_bytes(bytes, n);
  }
  CHECK(accepted > 0);
}
