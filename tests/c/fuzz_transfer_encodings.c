/* fuzz_transfer_encodings.c: a libFuzzer target. Behind eight bytes that choose replacements and lines, the input is
 * taken as a part in quoted-printable, as one in base64, as content, and as a text to search its own middle in. */
#include <string.h>

#include "encoding_helpers.h"

enum { CHOICES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint64_t seed;
  if (size < CHOICES) return 0;
  memcpy(&seed, data, sizeof seed);
  const uint8_t *bytes = data + CHOICES;
  size_t n = size - CHOICES;
  check_quoted(bytes, n, seed | 1);
  check_base64(bytes, n);
  check_content(bytes, n, data[0] % 90u, 4 * (1 + data[1] % 40u), data[2] & 1);
  if (n > 3) check_search(bytes, n, bytes + n / 2, 1 + data[3] % (n - n / 2));
  return 0;
}
