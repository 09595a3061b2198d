/* plain_headers.c: see plain_headers.h. */
#include "plain_headers.h"

#include <string.h>

const char *const LW_HEADER_NAMES[LW_HEADER_NAME_COUNT] = {
    "content-type", "content-transfer-encoding", "content-disposition", "content-length",
    "lines",        "dkim-signature",            "arc-seal",            "domainkey-signature",
};

static int is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

static int is_name(uint8_t c) { return c > ' ' && c < 127 && c != ':'; }

/* Behind the line end at `at`, or `at` where there is none. */
static size_t skip_line_end(const uint8_t *bytes, size_t at, size_t end) {
  size_t lf = at + (at < end && bytes[at] == '\r');
  return lf < end && bytes[lf] == '\n' ? lf + 1 : at;
}

/* Behind the line that `at` is in; SIZE_MAX where it has a NUL or a lone CR, or no end. */
static size_t skip_line(const uint8_t *bytes, size_t at, size_t end) {
  const uint8_t *lf = at < end ? memchr(bytes + at, '\n', end - at) : NULL;
  if (lf == NULL) return SIZE_MAX;
  size_t size = (size_t)(lf - (bytes + at));
  if (size && lf[-1] == '\r') size--;
  return memchr(bytes + at, 0, size) || memchr(bytes + at, '\r', size) ? SIZE_MAX : (size_t)(lf - bytes) + 1;
}

/* Behind the colon of the field at `at`, with the length of its name; SIZE_MAX where none begins. */
static size_t skip_name(const uint8_t *bytes, size_t at, size_t end, size_t *length) {
  size_t stop = at;
  while (stop < end && is_name(bytes[stop])) stop++;
  *length = stop - at;
  while (stop < end && is_blank(bytes[stop])) stop++;
  return *length && stop < end && bytes[stop] == ':' ? stop + 1 : SIZE_MAX;
}

/* Whether a "From " line begins at `at`, quoted or not, that is no header. */
static int is_envelope(const uint8_t *bytes, size_t at, size_t end) {
  while (at < end && bytes[at] == '>') at++;
  if (end - at < 5 || memcmp(bytes + at, "From ", 5) != 0) return 0;
  at += 5;
  while (at < end && is_blank(bytes[at])) at++;
  return at == end || bytes[at] != ':';
}

static size_t find_name(const uint8_t *name, size_t length) {
  for (size_t i = 0; i < LW_HEADER_NAME_COUNT; i++) {
    const char *known = LW_HEADER_NAMES[i];
    if (strlen(known) != length) continue;
    size_t k = 0;
    while (k < length && (uint8_t)(name[k] | (name[k] >= 'A' && name[k] <= 'Z' ? 0x20 : 0)) == (uint8_t)known[k]) k++;
    if (k == length) return i;
  }
  return LW_HEADER_NAME_COUNT;
}

size_t lw_plain_headers(const uint8_t *bytes, size_t start, size_t end, lw_header_field *fields, size_t *count) {
  size_t at = start, length, value;
  *count = 0;
  while (is_envelope(bytes, at, end))
    if ((at = skip_line(bytes, at, end)) == SIZE_MAX) return SIZE_MAX;
  const size_t first = at;
  while ((value = skip_name(bytes, at, end, &length)) != SIZE_MAX) {
    size_t next = skip_line(bytes, value, end);
    while (next < end && is_blank(bytes[next])) next = skip_line(bytes, next, end);
    if (next == SIZE_MAX) return SIZE_MAX;
    size_t name = find_name(bytes + at, length);
    if (name < LW_HEADER_NAME_COUNT) {
      if (*count == LW_MAX_HEADER_FIELDS) return SIZE_MAX;
      fields[(*count)++] = (lw_header_field){name, at, value, next};
    }
    at = next;
  }
  size_t body = skip_line_end(bytes, at, end);
  return at > first && body > at ? body : SIZE_MAX;
}
