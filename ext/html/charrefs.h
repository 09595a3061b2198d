/* charrefs.h: character references in attribute values (HTML, 13.2.5.72-80). */
#ifndef LW_CHARREFS_H
#define LW_CHARREFS_H

#include "ascii.h"

/* Bytes that lw_decode_charrefs may write for `n` raw bytes: the worst growth is "&nGt;", 5 bytes that become 6. */
static inline size_t lw_decoded_bound(size_t n) { return n + n / 4 + 8; }

/* Decode all references of `raw` by the attribute rules into `out` as UTF-8; other bytes are copied as they are.
 * Returns the number of bytes written, at most lw_decoded_bound(n). */
size_t lw_decode_charrefs(const uint8_t *raw, size_t n, uint8_t *out);

/* Does `raw` contain a numeric reference to the number 0, such as "&#0;" or "&#x000"? */
bool lw_has_nul_charref(const uint8_t *raw, size_t n);

#endif
