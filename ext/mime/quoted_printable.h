/* quoted_printable.h: quoted-printable (RFC 2045 section 6.7), decoded strictly and spliced without touching another byte.
 *
 * Strictly: a "=" begins a byte (=XX, either letter case) or ends a line (a soft break: "=" and CRLF or LF, or the end
 * of the part), and all soft breaks are of one kind: CRLF where the part has a CRLF anywhere, LF elsewhere. Whatever
 * else is in a part stands for itself, as in every decoder that keeps what it does not know.
 *
 * Nothing is allocated, and nothing outside the given ranges is read or written.
 *
 *   lw_quoted part;
 *   if (lw_quoted_decode(src, n, text, &part) != LW_QUOTED_RIGHT) leave the part alone;
 *   look for changes in text[0..part.size), ascending;
 *   size = lw_quoted_splice(src, n, part.crlf, changes, count, out, made); // out has the room of lw_quoted_room
 */
#ifndef LW_QUOTED_PRINTABLE_H
#define LW_QUOTED_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replacement.h"

typedef enum { LW_QUOTED_RIGHT, LW_QUOTED_MALFORMED, LW_QUOTED_TWO_KINDS } lw_quoted_status;

typedef struct {
  size_t size; /* of the text; of a malformed part: the offset of the "=" that is wrong */
  bool crlf;   /* lines end with CRLF, and so do new soft breaks */
} lw_quoted;

/* Decodes src[0..n) into text, which has room for n bytes. */
lw_quoted_status lw_quoted_decode(const uint8_t *src, size_t n, uint8_t *text, lw_quoted *part);

/* The most bytes that lw_quoted_splice writes. */
size_t lw_quoted_room(size_t n, const lw_change *changes, size_t count);

/* Writes src[0..n), which lw_quoted_decode found right, with `count` changes of its text, and returns how many bytes
 * that are. Changes ascend and do not overlap. New bytes are encoded, with soft breaks so that no line passes 76
 * characters; a change of text that ends a line behind white space, on which readers differ, is not made.
 * made[i] becomes 1 for a change that was made and 0 for one that was not. */
size_t lw_quoted_splice(const uint8_t *src, size_t n, bool crlf, const lw_change *changes, size_t count, uint8_t *out,
                        uint8_t *made);

#endif
