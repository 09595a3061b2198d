/* url_codec.h: a URL compressed by frozen tables, and back. Format version 1.
 *
 * Knows bytes and the tables (url_codec_tables.py says what they hold and where they come from). Refuses to know
 * tokens, keys and Python. It allocates nothing, has no state between calls, reads and writes only inside the ranges
 * given, and uses at most 32 KiB of stack. Threads may call it at will.
 *
 * Any bytes round-trip exactly. The compressed form is a string of bits, first bit in the highest place:
 *
 *   scheme   00 https://   01 https://www.   10 http://   110 http://www.   111 nothing of these
 *   symbols  each in the prefix code chosen by the byte before it (after a scheme: context "host"; at the very
 *            beginning of a destination without one: "other"); a symbol may draw more bits after it:
 *              0x20-0x7E  that byte
 *              ESC        8 bits: any byte
 *              WORD, CAPITAL, PART   the code of a dictionary entry
 *              RUN        2 bits of kind: 0 base64url alphabet, 6 bits a character; 1 lower and 2 upper hexadecimal
 *                         digits, 4 bits each; 3 a lower-case UUID in its usual form, 128 bits.
 *                         Kinds 0-2: then the length less 9 in groups of 6 bits, added up, up to the first group
 *                         that is not 63; then the characters.
 *   padding  one-bits up to the end of the byte (0 to 7 of them)
 *
 * The parse is part of the format, for exactly one compressed form is valid for each destination:
 *   1. the longest scheme;
 *   2. at a byte that is not a letter or digit: the longest PART that fits, else the byte;
 *   3. at a letter that begins a word (the first after anything that is not a letter or digit, after an entry, or an
 *      upper-case one whose predecessor is not upper case): the longest WORD or CAPITAL that fits; else the byte;
 *   4. a stretch of letters and digits of 9 or more whose symbols took more bits than a RUN would becomes a RUN:
 *      lower hexadecimal if it can, else upper hexadecimal if it can, else base64url;
 *   5. then likewise a stretch of letters, digits, `-` and `_` as a whole: a UUID always,
 *      base64url if that is shorter.
 */
#ifndef LW_URL_CODEC_H
#define LW_URL_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* The longest destination, in bytes. Web servers refuse request lines over 8 KiB (Apache 8190, nginx 8192 by
 * default), so a longer destination would be refused where it leads, and its link on the way there. */
#define LW_MAX_URL_BYTES 8000

/* Bytes that always suffice for a compressed destination of n bytes: a symbol takes up to 12 bits and an escaped byte 8
 * more, the scheme 3 bits, the padding 7. */
#define LW_URL_COMPRESSED_BOUND(n) (((size_t)(n) * 20 + 10) / 8 + 8)

/* Both functions return this instead of a length when they refuse. */
#define LW_URL_REFUSED SIZE_MAX

/* Compresses src[0..n) into out[0..room) and returns the compressed length.
 * Refused: n over the limit, or room under LW_URL_COMPRESSED_BOUND(n). src may be NULL if n is 0. */
size_t lw_url_compress(const uint8_t *src, size_t n, uint8_t *out, size_t room);

/* Decompresses src[0..n) into out[0..room) and returns the destination's length.
 * Refused: anything that lw_url_compress would not have written, a destination over the limit or over room. */
size_t lw_url_decompress(const uint8_t *src, size_t n, uint8_t *out, size_t room);

#endif
