/* charrefs.c: character references by the attribute rules. See charrefs.h. */
#include "charrefs.h"

#include <string.h>

#include "charref_tables.h"

/* What the standard makes of the numbers 0x80 to 0x9F (HTML, 13.2.5.80): windows-1252. 0: the number itself. */
static const uint16_t C1[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static size_t put_utf8(uint32_t c, uint8_t *out) {
  if (c < 0x80) {
    out[0] = (uint8_t)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (uint8_t)(0xC0 | c >> 6);
    out[1] = (uint8_t)(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (uint8_t)(0xE0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | c >> 18);
  out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (c & 0x3F));
  return 4;
}

static uint32_t hex_digit(uint8_t c) {
  if (lw_is_digit(c)) return (uint32_t)(c - '0');
  uint8_t low = (uint8_t)(c | 0x20);
  return low >= 'a' && low <= 'f' ? (uint32_t)(low - 'a' + 10) : 16;
}

/* Read a numeric reference: `p` stands behind "&#". Returns one past it, or NULL when there is no digit. The
 * number saturates above 0x10FFFF. */
static const uint8_t *read_number(const uint8_t *p, const uint8_t *end, uint32_t *number) {
  uint32_t base = 10, n = 0;
  if (p < end && (*p | 0x20) == 'x') {
    base = 16;
    p++;
  }
  const uint8_t *first = p;
  for (; p < end; p++) {
    uint32_t digit = hex_digit(*p);
    if (digit >= base) break;
    n = n * base + digit;
    if (n > 0x10FFFF) n = 0x110000;
  }
  if (p == first) return NULL;
  *number = n;
  return p < end && *p == ';' ? p + 1 : p;
}

static uint32_t numbered_character(uint32_t n) {
  if (n == 0 || n > 0x10FFFF || (n >= 0xD800 && n <= 0xDFFF)) return 0xFFFD;
  if (n >= 0x80 && n <= 0x9F && C1[n - 0x80]) return C1[n - 0x80];
  return n;
}

/* The longest name of the table that `p` begins with: its index, or -1. Narrows the sorted range by one
 * character at a time. */
static int longest_name(const uint8_t *p, const uint8_t *end, size_t *length) {
  if (p == end || *p >= 128) return -1;
  int from = CHARREFS_BY_LETTER[*p], to = CHARREFS_BY_LETTER[*p + 1], best = -1;
  for (size_t i = 1; from < to; i++) {
    if (CHARREFS[from].name[i] == 0) {
      best = from++;
      *length = i;
    }
    if (p + i == end) break;
    while (from < to && (uint8_t)CHARREFS[from].name[i] < p[i]) from++;
    int stop = from;
    while (stop < to && (uint8_t)CHARREFS[stop].name[i] == p[i]) stop++;
    to = stop;
  }
  return best;
}

/* Decode the reference at `p` ('&'). Returns one past what it consumed; writes what it stands for. */
static const uint8_t *decode_one(const uint8_t *p, const uint8_t *end, uint8_t *out, size_t *written) {
  const uint8_t *after = p + 1;
  uint32_t number;
  size_t length = 0;
  *written = 1;
  out[0] = '&';
  if (after < end && *after == '#') {
    const uint8_t *stop = read_number(after + 1, end, &number);
    if (stop == NULL) return after;
    *written = put_utf8(numbered_character(number), out);
    return stop;
  }
  if (end - after >= 4 && memcmp(after, "amp;", 4) == 0) return after + 4; /* nearly all of them */
  int name = longest_name(after, end, &length);
  if (name < 0) return after;
  const uint8_t *stop = after + length;
  /* In an attribute, a name without ';' before '=' or an alphanumeric stays literal (HTML, 13.2.5.73). */
  if (stop[-1] != ';' && stop < end && (*stop == '=' || lw_is_alpha(*stop) || lw_is_digit(*stop))) return after;
  *written = strlen(CHARREFS[name].text);
  memcpy(out, CHARREFS[name].text, *written);
  return stop;
}

size_t lw_decode_charrefs(const uint8_t *raw, size_t n, uint8_t *out) {
  const uint8_t *p = raw, *end = raw + n;
  uint8_t *o = out;
  while (p < end) {
    const uint8_t *amp = memchr(p, '&', (size_t)(end - p));
    size_t plain = (size_t)((amp ? amp : end) - p);
    memcpy(o, p, plain);
    o += plain;
    p += plain;
    if (amp == NULL) break;
    size_t written;
    p = decode_one(p, end, o, &written);
    o += written;
  }
  return (size_t)(o - out);
}

bool lw_has_nul_charref(const uint8_t *raw, size_t n) {
  const uint8_t *p = raw, *end = raw + n;
  while ((p = memchr(p, '&', (size_t)(end - p))) != NULL) {
    uint32_t number = 1;
    p++;
    if (p < end && *p == '#' && read_number(p + 1, end, &number) && number == 0) return true;
    if (p == end) break;
  }
  return false;
}
