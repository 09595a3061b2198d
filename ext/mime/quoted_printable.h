/* quoted_printable.h: quoted-printable (RFC 2045 section 6.7), decoded strictly, spliced without touching another byte.
 *
 * Strictly: a "=" begins a byte (=XX, either letter case) or ends a line (a soft break: "=" and CRLF or LF, or the end
 * of the part), and all soft breaks are of one kind: CRLF where the part has a CRLF anywhere, LF elsewhere. Whatever
 * else is in a part stands for itself, as in every lenient decoder.
 *
 * Nothing is allocated, and nothing outside the given ranges is read or written.
 *
 *   lw_qp_part part;
 *   if (lw_qp_decode(src, n, text, &part) != LW_QP_VALID) leave the part alone;
 *   look for replacements in text[0..part.size), ascending;
 *   size = lw_qp_splice(src, n, part.crlf, replacements, count, out, applied); // out: lw_qp_splice_bound bytes
 */
#ifndef LW_QUOTED_PRINTABLE_H
#define LW_QUOTED_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replacement.h"

typedef enum { LW_QP_VALID, LW_QP_MALFORMED, LW_QP_MIXED_SOFT_BREAKS } lw_qp_status;

typedef struct {
  size_t size; /* of the text; of a malformed part: the offset of the "=" that is wrong */
  bool crlf;   /* lines end with CRLF, and so do new soft breaks */
} lw_qp_part;

/* Decodes src[0..n) into text, which has room for n bytes. */
lw_qp_status lw_qp_decode(const uint8_t *src, size_t n, uint8_t *text, lw_qp_part *part);

/* The most bytes that lw_qp_splice writes. */
size_t lw_qp_splice_bound(size_t n, const lw_replacement *replacements, size_t count);

/* Writes src[0..n), which is valid by lw_qp_decode, with `count` replacements of its text, and returns the number of
 * bytes. Replacements ascend and do not overlap. New bytes are encoded, with soft breaks so that no line passes 76
 * characters; a replacement that ends a line behind white space, on which readers differ, is not applied.
 * applied[i] becomes 1 for a replacement that was applied and 0 for one that was not. */
size_t lw_qp_splice(const uint8_t *src, size_t n, bool crlf, const lw_replacement *replacements, size_t count,
                    uint8_t *out, uint8_t *applied);

#endif
