/* fuzz_url_codec.c: a libFuzzer target. The input is taken as a destination, as compressed bytes, as base64url. */
#include <string.h>

#include "check.h"
#include "url_codec_helpers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was compressed, with one bit wrong, is refused or is the compressed form of something else. */
static void check_damaged(const uint8_t *data, size_t size) {
  size_t room = LW_URL_COMPRESSED_BOUND(size);
  uint8_t *compressed = lw_test_room(room);
  size_t length = lw_url_compress(data, size, compressed, room);
  size_t at = (data[0] | (size_t)data[size - 1] << 8) % (8 * length);
  compressed[at / 8] ^= (uint8_t)(1u << at % 8);
  check_compressed(compressed, length);
  free(compressed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > LW_MAX_URL_BYTES) return 0;
  check_compressed(data, size);
  check_text(data, size);
  check_bytes(data, size);
  check_destination(data, size);
  if (size) check_damaged(data, size);
  return 0;
}
