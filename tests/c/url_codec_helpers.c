/* url_codec_helpers.c: see url_codec_helpers.h. Every range is a heap block of exactly the size announced, for a sanitizer to watch. */
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
  size_t room = LW_PACKED_ROOM(n);
  uint8_t *source = copy_of(bytes, n), *packed = lw_test_room(room), *again = lw_test_room(n);
  CHECK(lw_pack(source, n, packed, room - 1) == LW_PACK_REFUSED);
  size_t length = lw_pack(source, n, packed, room);
  CHECK(length != LW_PACK_REFUSED && length <= room && length > 0);
  uint8_t *form = copy_of(packed, length);
  CHECK(lw_unpack(form, length, again, n) == n && memcmp(again, bytes, n) == 0);
  if (n) CHECK(lw_unpack(form, length, again, n - 1) == LW_PACK_REFUSED);
  free(form);
  free(again);
  free(packed);
  free(source);
}

int check_packed(const uint8_t *bytes, size_t n) {
  size_t room = LW_PACKED_ROOM(LW_DESTINATION_LIMIT);
  uint8_t *form = copy_of(bytes, n), *out = lw_test_room(LW_DESTINATION_LIMIT), *again = lw_test_room(room);
  size_t length = lw_unpack(form, n, out, LW_DESTINATION_LIMIT);
  int accepted = length != LW_PACK_REFUSED;
  if (accepted) {
    CHECK(length <= LW_DESTINATION_LIMIT);
    CHECK(lw_pack(out, length, again, room) == n && memcmp(again, bytes, n) == 0);
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
