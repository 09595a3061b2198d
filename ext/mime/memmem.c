/* memmem.c: see memmem.h.
 *
 * The plain algorithm compares at every byte. Departure: 64 positions at a time are tested at
 * once for the needle's first, middle and last byte. The loop has no branch and no dependency, so that compilers turn
 * it into vector instructions of whatever processor; in real text hardly any block passes.
 */
#include "memmem.h"

#include <string.h>

enum { BLOCK = 64 };

static size_t first_match(const uint8_t *bytes, size_t positions, const uint8_t *needle, size_t m) {
  for (size_t i = 0; i < positions; i++)
    if (bytes[i] == needle[0] && memcmp(bytes + i, needle, m) == 0) return i;
  return SIZE_MAX;
}

size_t lw_memmem(const uint8_t *bytes, size_t n, const uint8_t *needle, size_t m) {
  if (n < m) return SIZE_MAX;
  const uint8_t first = needle[0], middle = needle[m / 2], last = needle[m - 1];
  size_t positions = n - m + 1, at = 0;
  for (; positions - at >= BLOCK; at += BLOCK) {
    const uint8_t *p = bytes + at, *q = p + m / 2, *r = p + m - 1;
    uint8_t any = 0;
    for (size_t i = 0; i < BLOCK; i++) any |= (uint8_t)((p[i] == first) & (q[i] == middle) & (r[i] == last));
    if (!any) continue;
    size_t found = first_match(p, BLOCK, needle, m);
    if (found != SIZE_MAX) return at + found;
  }
  size_t found = first_match(bytes + at, positions - at, needle, m);
  return found == SIZE_MAX ? SIZE_MAX : at + found;
}
