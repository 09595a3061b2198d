/* ascii.h: the byte classes of the HTML standard that more than one file needs. */
#ifndef LW_ASCII_H
#define LW_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* HTML's white space: TAB LF FF CR SPACE (CR becomes LF before the tokenizer; both are white space). */
static inline bool lw_is_space(uint8_t c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static inline uint8_t lw_lower(uint8_t c) { return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c; }

static inline bool lw_is_alpha(uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }

static inline bool lw_is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

/* What ends a tag's name: white space, '/' or '>' (HTML, 13.2.5.8). */
static inline bool lw_is_name_end(uint8_t c) { return lw_is_space(c) || c == '/' || c == '>'; }

/* Do `n` bytes equal the lower-case ASCII text, letter case aside? */
static inline bool lw_equals_nocase(const uint8_t *p, const char *text, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (lw_lower(p[i]) != (uint8_t)text[i]) return false;
  return true;
}

#endif
