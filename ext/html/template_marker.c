/* template_marker.c: see template_marker.h. Which systems write which markers stands in
 * tests/html/test_placeholders.py, with sources. */
#include "template_marker.h"

#include <string.h>

static bool is_name_byte(uint8_t c) {
  return lw_is_alpha(c) || lw_is_digit(c) || c == '_' || c == '.' || c == ':' || c == '-';
}

/* How far a name reaches: a letter, then letters, digits and _ . : - */
static const uint8_t *name_end(const uint8_t *p, const uint8_t *end) {
  if (p == end || !lw_is_alpha(*p)) return p;
  while (p < end && is_name_byte(*p)) p++;
  return p;
}

static int hex_digit(uint8_t c) {
  if (lw_is_digit(c)) return c - '0';
  c = lw_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at p stands for, or -1. */
static int percent_decoded(const uint8_t *p, const uint8_t *end) {
  if (end - p < 3 || *p != '%') return -1;
  int high = hex_digit(p[1]), low = hex_digit(p[2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_opener_pair(int first, int second) {
  switch (first) {
    case '{': return second == '{' || second == '%';
    case '*': return second == '|';
    case '[': return second == '[' || second == '%';
    case '%': case '<': return second == '%';
    case '$': case '#': return second == '{';
    default: return false;
  }
}

/* "{", or two bytes that no address has together; either may be written as an editor escapes it. */
static bool opener_at(const uint8_t *p, const uint8_t *end) {
  if (*p == '{') return true;
  if (p + 1 < end && is_opener_pair(*p, p[1])) return true;
  int first = percent_decoded(p, end), second;
  const uint8_t *next = p + (first < 0 ? 1 : 3);
  if (next >= end) return false;
  second = percent_decoded(next, end);
  if (first < 0 && second < 0) return false;
  return is_opener_pair(first < 0 ? *p : first, second < 0 ? *next : second);
}

/* The bytes at p, if they are there. */
static bool starts_with(const uint8_t *p, const uint8_t *end, const char *text, size_t n) {
  return (size_t)(end - p) >= n && lw_equals_nocase(p, text, n);
}

/* Where `open` name `close` at p ends, or NULL. A name may contain what closes it: the first that does counts, or with
 * `whole` the one before which nothing of the text is left. */
static const uint8_t *named_marker_end(const uint8_t *p, const uint8_t *end, const char *open, const char *close,
                                       size_t n, bool whole) {
  if (!starts_with(p, end, open, n)) return NULL;
  const uint8_t *name = p + n, *last = name_end(name, end);
  if (last == name) return NULL;
  for (const uint8_t *at = name + 1; at <= last; at++)
    if (starts_with(at, end, close, n) && (!whole || at + n == end)) return at + n;
  return NULL;
}

size_t lw_bracketed_name(const uint8_t *p, const uint8_t *end) {
  const uint8_t *behind = named_marker_end(p, end, "[", "]", 1, false);
  return behind ? (size_t)(behind - p) : 0;
}

/* %name%, whose second % begins no escape; or as an editor escapes it. */
static bool percent_marker(const uint8_t *p, const uint8_t *end, bool whole) {
  const uint8_t *behind = named_marker_end(p, end, "%", "%", 1, whole);
  if (behind && percent_decoded(behind - 1, end) < 0) return true;
  return named_marker_end(p, end, "%25", "%25", 3, whole) || named_marker_end(p, end, "%5b", "%5d", 3, whole);
}

static bool named_marker_at(const uint8_t *p, const uint8_t *end, bool whole) {
  switch (*p) {
    case '%': return percent_marker(p, end, whole);
    case ':': return named_marker_end(p, end, "::", "::", 2, whole) != NULL;
    case '#': return named_marker_end(p, end, "##", "##", 2, whole) || named_marker_end(p, end, "###", "###", 3, whole);
    default: return false;
  }
}

bool lw_starts_with_marker(const uint8_t *p, const uint8_t *end) {
  if (opener_at(p, end) || named_marker_at(p, end, false)) return true;
  return lw_bracketed_name(p, end) > 0 || percent_decoded(p, end) == '{';
}

bool lw_marker_in_authority(const uint8_t *p, const uint8_t *to, const uint8_t *end) {
  for (; p < to || (p == to && p < end && *p == '#'); p++)
    if (opener_at(p, end) || named_marker_at(p, end, false)) return true;
  return false;
}

static bool is_delimiter(uint8_t c) { return c == '/' || c == '=' || c == '&' || c == '?' || c == '#'; }

/* p stands behind a delimiter: is all up to the next one a marker? */
static bool is_marker_value(const uint8_t *p, const uint8_t *end) {
  const uint8_t *to = p;
  if (*p == '#') { /* the closing ## delimit as well */
    const uint8_t *name = p;
    while (name < end && *name == '#') name++;
    to = name_end(name, end);
    size_t marks = (size_t)(name - p);
    if (to == name || (marks != 2 && marks != 3)) return false;
    return starts_with(to, end, "##", 2) && (to + 2 == end || is_delimiter(to[2]));
  }
  while (to < end && !is_delimiter(*to)) to++;
  if (*p == '[') return named_marker_end(p, to, "[", "]", 1, true) != NULL;
  if (*p == '-') return named_marker_end(p, to, "-", "-", 1, true) != NULL;
  return named_marker_at(p, to, true);
}

/* Eight bytes at once: is one of them a '-' behind a delimiter? */
static bool has_dash_marker(const uint8_t *p) {
  const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
  uint64_t bytes;
  memcpy(&bytes, p, 8);
  bytes ^= ones * '-';
  if (((bytes - ones) & ~bytes & high) == 0) return false;
  for (int i = 0; i < 8; i++)
    if (p[i] == '-' && is_delimiter(p[i - 1])) return true;
  return false;
}

bool lw_may_have_dash_marker(const uint8_t *p, const uint8_t *end) {
  if (end - p <= 8) return true;
  for (p++; end - p > 8; p += 8)
    if (has_dash_marker(p)) return true;
  return has_dash_marker(end - 8);
}

enum { OPENER = 1, NAMED = 2 };

/* What a marker can begin with. */
static const uint8_t MARKER_START[256] = {
    ['{'] = OPENER, ['*'] = OPENER, ['$'] = OPENER, ['<'] = OPENER, [':'] = NAMED, ['-'] = NAMED,
    ['['] = OPENER | NAMED, ['%'] = OPENER | NAMED, ['#'] = OPENER | NAMED,
};

bool lw_marker_after_host(const uint8_t *p, const uint8_t *end) {
  for (uint8_t before = 0; p < end; before = *p++) {
    uint8_t begins = MARKER_START[*p];
    if (begins == 0) continue;
    if (begins & OPENER && opener_at(p, end)) return true;
    if (begins & NAMED && is_delimiter(before) && is_marker_value(p, end)) return true;
  }
  return false;
}
