/* line_limit.c: see line_limit.h. */
#include "line_limit.h"

#include <string.h>

/* Where the line with `at` begins, which is not before `first`. */
static size_t line_start(const uint8_t *text, size_t first, size_t at) {
  while (at > first && text[at - 1] != '\n') at--;
  return at;
}

static size_t line_stop(const uint8_t *text, size_t n, size_t at) {
  const uint8_t *lf = at < n ? memchr(text + at, '\n', n - at) : NULL;
  return lf ? (size_t)(lf - text) : n;
}

int lw_lines_fit(const uint8_t *text, size_t n, const lw_replacement *replacements, size_t count, size_t limit) {
  size_t size = 0, next = 0; /* of the line as it will be; where the next one begins */
  for (size_t i = 0; i < count; i++) {
    const lw_replacement *it = &replacements[i];
    if (next == 0 || it->start >= next) {
      size_t begin = line_start(text, next, it->start), stop = line_stop(text, n, it->end);
      size = stop - begin;
      next = stop + 1;
    } else if (it->end >= next) {
      return 0;
    }
    size = size + it->length - (it->end - it->start);
    if (size > limit) return 0;
  }
  return 1;
}
