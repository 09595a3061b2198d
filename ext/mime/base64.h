/* base64.h: base64 (RFC 2045 section 6.8), decoded strictly, and encoded in lines.
 *
 * Strictly: beside space, TAB, CR and LF, which may stand anywhere, there are only characters of the alphabet, in
 * groups of four; the last group may end with "=" or "==". The spare bits of such a group are ignored.
 *
 * Nothing is allocated, and nothing outside the given ranges is read or written.
 */
#ifndef LW_BASE64_H
#define LW_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The lines that are written: `column` characters stand in the first already; `width` is a multiple of 4 and not 0. */
typedef struct {
  size_t column, width;
  bool crlf;
} lw_base64_lines;

/* Whole groups of four to three bytes each, and line ends between groups: moves *src and *out behind what it took. May
 * stop anywhere, at the latest before a foreign character or "=". Writes nothing behind (*out)[(end - *src) / 4 * 3). */
typedef void (*lw_base64_reader)(const uint8_t **src, const uint8_t *end, uint8_t **out);

/* Whole groups of three bytes to four characters each: returns how many were taken, which may be fewer than n / 3. */
typedef size_t (*lw_base64_writer)(const uint8_t *src, size_t n, uint8_t *out);

/* A way to do it that this build knows; `usable` asks the processor. Best first; ends with a NULL name. None is needed:
 * NULL as reader and writer is the portable path. */
typedef struct {
  const char *name;
  lw_base64_reader read;
  lw_base64_writer write;
  bool (*usable)(void);
} lw_base64_variant;

extern const lw_base64_variant LW_BASE64[];

/* What may stand between characters. */
static inline bool lw_base64_is_space(uint8_t c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; }

/* Decodes src[0..n) into out, which has room for n / 4 * 3 bytes; returns their number, SIZE_MAX for what is wrong. */
size_t lw_base64_decode(const uint8_t *src, size_t n, lw_base64_reader read, uint8_t *out);

/* The offset in src[0..n) behind the first `count` characters that are not white space; n when there are fewer. */
size_t lw_base64_offset_after(const uint8_t *src, size_t n, size_t count);

/* How many bytes lw_base64_encode writes for n. */
size_t lw_base64_encoded_length(size_t n, const lw_base64_lines *lines);

/* Writes src[0..n) as characters, in such lines, without a line end behind the last; returns the room's size. */
size_t lw_base64_encode(const uint8_t *src, size_t n, const lw_base64_lines *lines, lw_base64_writer write,
                        uint8_t *out);

#endif
