/* UTF-8 as the Unicode Standard defines it (table 3-7): no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef LW_UTF8_H
#define LW_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether text[0..n) is well-formed UTF-8. `text` may be NULL if n is 0. */
bool lw_is_utf8(const uint8_t *text, size_t n);

#endif
