/* fuzz_url_codec.c: a libFuzzer target. The input is taken as a destination, as packed bytes and as base64url text. */
#include <string.h>

#include "check.h"
#include "url_codec_helpers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was packed, with one bit wrong, is refused or is the packed form of something else. */
static void check_damaged(const uint8_t *data, size_t size) {
  size_t room = LW_PACKED_ROOM(size);
  uint8_t *packed = lw_test_room(room);
  size_t length = lw_pack(data, size, packed, room), at = (data[0] | (size_t)data[size - 1] << 8) % (8 * length);
  packed[at / 8] ^= (uint8_t)(1u << at % 8);
  check_packed(packed, length);
  free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > LW_DESTINATION_LIMIT) return 0;
  check_packed(data, size);
  check_text(data, size);
  check_bytes(data, size);
  check_destination(data, size);
  if (size) check_damaged(data, size);
  return 0;
}
