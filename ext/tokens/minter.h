/* Mints tokens of one message: what the message's tokens share, then one token for each link.
 *
 * Knows the bytes of a token behind its prefix. Refuses to know key rings, privacy modes and message ids. */
#ifndef LW_MINTER_H
#define LW_MINTER_H

#include "blake2s.h"
#include "token_prefix.h"
#include "url_codec.h"

enum {
    LW_MAC_BYTES = 10,
    LW_MAX_VARINT_BYTES = 5,         /* of 32 bits */
    LW_MAX_LINK_CHARACTERS = 8000, /* request lines over 8 KiB are refused by Apache (8190) and nginx (8192) */
    LW_MAX_TOKEN_BYTES = LW_MAX_PREFIX_BYTES + LW_MAX_VARINT_BYTES + LW_URL_COMPRESSED_BOUND(LW_MAX_URL_BYTES) + LW_MAC_BYTES
};

typedef struct {
    lw_blake2s hash; /* of the prefix */
    uint8_t prefix[LW_MAX_PREFIX_BYTES];
    size_t prefix_size;
    size_t base_url_size; /* characters before the token, of which only the number matters here */
    bool sealed;          /* tokens contain their destination */
} lw_minter;

/* Makes the minter that of another message. `keyed` is a hash begun with the key; prefix[0..n) has at most
 * LW_MAX_PREFIX_BYTES. */
void lw_minter_set_prefix(lw_minter *minter, const lw_blake2s *keyed, const uint8_t *prefix, size_t n);

/* Writes the token of a link to token[0..LW_MAX_TOKEN_BYTES) and returns its size, not yet in base64url.
 * 0 where it is refused: a destination that is too long or not UTF-8, a link over LW_MAX_LINK_CHARACTERS. */
size_t lw_mint(const lw_minter *minter, const uint8_t *destination, size_t n, uint32_t index, uint8_t *token);

/* Where the token of a destination begins that is a link of this location (host with port in lower case, path from
 * `/` to `/`), or SIZE_MAX. */
size_t lw_find_token(const uint8_t *destination, size_t n, const uint8_t *host, size_t host_size, const uint8_t *path,
                     size_t path_size);

#endif
