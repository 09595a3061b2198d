/* url_codec_helpers.h: what must hold of any destination, compressed bytes and base64url. Shared with the fuzz target. */
#ifndef LW_TEST_URL_CODEC_HELPERS_H
#define LW_TEST_URL_CODEC_HELPERS_H

#include "url_codec.h"

/* A destination packs, unpacks to itself in exactly its room, and is refused one byte less. n within the limit. */
void check_destination(const uint8_t *bytes, size_t n);

/* Bytes are refused (returns 0) or are the one compressed form of what they decompress to (returns 1). */
int check_compressed(const uint8_t *bytes, size_t n);

/* A text is refused (returns 0) or is the one text of what it decodes to (returns 1). */
int check_text(const uint8_t *bytes, size_t n);

/* Bytes, encoded, decode to themselves. */
void check_bytes(const uint8_t *bytes, size_t n);

#endif
