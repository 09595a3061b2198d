/* memmem.c: see memmem.h.
 *
 * The plain algorithm compares at every byte. Departure: of 64 places at a time it is asked at once whether the
 * needle's first, middle and last byte stand at any of them. The loop has no branch and no dependency, so that compilers turn
 * it into vector instructions of whatever processor; real text answers no nearly always.
 */
#include "memmem.h"

#include <string.h>

enum { PLACES = 64 };

static size_t first_of(const uint8_t *bytes, size_t places, const uint8_t *needle, size_t m) {
  for (size_t i = 0; i < places; i++)
    if (bytes[i] == needle[0] && memcmp(bytes + i, needle, m) == 0) return i;
  return SIZE_MAX;
}

size_t lw_find(const uint8_t *bytes, size_t n, const uint8_t *needle, size_t m) {
  if (n < m) return SIZE_MAX;
  const uint8_t first = needle[0], middle = needle[m / 2], last = needle[m - 1];
  size_t places = n - m + 1, at = 0;
  for (; places - at >= PLACES; at += PLACES) {
    const uint8_t *p = bytes + at, *q = p + m / 2, *r = p + m - 1;
    uint8_t any = 0;
    for (size_t i = 0; i < PLACES; i++) any |= (uint8_t)((p[i] == first) & (q[i] == middle) & (r[i] == last));
    if (!any) continue;
    size_t found = first_of(p, PLACES, needle, m);
    if (found != SIZE_MAX) return at + found;
  }
  size_t found = first_of(bytes + at, places - at, needle, m);
  return found == SIZE_MAX ? SIZE_MAX : at + found;
}
