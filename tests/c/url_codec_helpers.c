/* url_codec_helpers.c: see url_codec_helpers.h. Every range is a heap block of exactly the announced size. */
#include "url_codec_helpers.h"

#include <string.h>

#include "base64url.h"
#include "check.h"

static uint8_t *copy_of(const uint8_t *bytes, size_t n) {
  uint8_t *copy = lw_test_room(n);
  memcpy(copy, bytes, n);
  return copy;
}

void check_destination(const uint8_t *bytes, size_t n) {
  size_t room = LW_URL_COMPRESSED_BOUND(n);
  uint8_t *source = copy_of(bytes, n), *compressed = lw_test_room(room), *again = lw_test_room(n);
  CHECK(lw_url_compress(source, n, compressed, room - 1) == LW_URL_REFUSED);
  size_t length = lw_url_compress(source, n, compressed, room);
  CHECK(length != LW_URL_REFUSED && length <= room && length > 0);
  uint8_t *form = copy_of(compressed, length);
  CHECK(lw_url_decompress(form, length, again, n) == n && memcmp(again, bytes, n) == 0);
  if (n) CHECK(lw_url_decompress(form, length, again, n - 1) == LW_URL_REFUSED);
  free(form);
  free(again);
  free(compressed);
  free(source);
}

int check_compressed(const uint8_t *bytes, size_t n) {
  size_t room = LW_URL_COMPRESSED_BOUND(LW_MAX_URL_BYTES);
  uint8_t *form = copy_of(bytes, n), *out = lw_test_room(LW_MAX_URL_BYTES), *again = lw_test_room(room);
  size_t length = lw_url_decompress(form, n, out, LW_MAX_URL_BYTES);
  int accepted = length != LW_URL_REFUSED;
  if (accepted) {
    CHECK(length <= LW_MAX_URL_BYTES);
    CHECK(lw_url_compress(out, length, again, room) == n && memcmp(again, bytes, n) == 0);
  }
  free(again);
  free(out);
  free(form);
  return accepted;
}

int check_text(const uint8_t *bytes, size_t n) {
  uint8_t *text = copy_of(bytes, n), *out = lw_test_room(n * 3 / 4), *again = lw_test_room(n);
  size_t length = lw_base64url_decode(text, n, out);
  int accepted = length != SIZE_MAX;
  if (accepted) {
    CHECK(length <= n * 3 / 4 && LW_BASE64URL_LENGTH(length) == n);
    lw_base64url_encode(out, length, again);
    CHECK(memcmp(again, bytes, n) == 0);
  }
  free(again);
  free(out);
  free(text);
  return accepted;
}

void check_bytes(const uint8_t *bytes, size_t n) {
  size_t length = LW_BASE64URL_LENGTH(n);
  uint8_t *source = copy_of(bytes, n), *text = lw_test_room(length), *again = lw_test_room(length * 3 / 4);
  lw_base64url_encode(source, n, text);
  CHECK(lw_base64url_decode(text, length, again) == n && memcmp(again, bytes, n) == 0);
  free(again);
  free(text);
  free(source);
}
