/* base64url (RFC 4648 section 5) without padding; decoding is strict, so each byte string has exactly one text. */
#ifndef LW_BASE64URL_H
#define LW_BASE64URL_H

#include <stddef.h>
#include <stdint.h>

/* The text's length for n bytes. */
#define LW_BASE64URL_LENGTH(n) (((size_t)(n) * 8 + 5) / 6)

/* Writes the LW_BASE64URL_LENGTH(n) characters of src[0..n) to out. */
void lw_base64url_encode(const uint8_t *src, size_t n, uint8_t *out);

/* Decodes src[0..n) into out, which has room for n * 3 / 4 bytes, and returns their number.
 * Refused (SIZE_MAX): a foreign character, a length that no bytes have, spare bits that are not zero. */
size_t lw_base64url_decode(const uint8_t *src, size_t n, uint8_t *out);

#endif
