#include "minter.h"

#include <string.h>

#include "base64url.h"
#include "utf8.h"

void lw_minter_set_prefix(lw_minter *minter, const lw_blake2s *keyed, const uint8_t *prefix, size_t n) {
    minter->hash = *keyed;
    lw_blake2s_update(&minter->hash, prefix, n);
    memcpy(minter->prefix, prefix, n);
    minter->prefix_size = n;
}

size_t lw_mint(const lw_minter *minter, const uint8_t *destination, size_t n, uint32_t index, uint8_t *token) {
    if (n > LW_MAX_URL_BYTES || !lw_is_utf8(destination, n)) return 0;
    size_t prefix = minter->prefix_size;
    memcpy(token, minter->prefix, prefix);
    size_t size = prefix + lw_write_varint(token + prefix, index);
    if (minter->sealed) {
        size_t packed = lw_url_compress(destination, n, token + size, LW_URL_COMPRESSED_BOUND(LW_MAX_URL_BYTES));
        if (packed == LW_URL_REFUSED) return 0;
        size += packed;
    }
    if (minter->base_url_size + LW_BASE64URL_LENGTH(size + LW_MAC_BYTES) > LW_MAX_LINK_CHARACTERS) return 0;
    lw_blake2s state = minter->hash;
    lw_blake2s_update(&state, token + prefix, size - prefix);
    lw_blake2s_digest(&state, token + size);
    return size + LW_MAC_BYTES;
}

/* Whether text is `lower` (which has no upper-case letters) but for ASCII case. */
static bool equals_nocase(const uint8_t *text, const uint8_t *lower, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text[i];
        if (c >= 'A' && c <= 'Z') c |= 32;
        if (c != lower[i]) return false;
    }
    return true;
}

size_t lw_find_token(const uint8_t *destination, size_t n, const uint8_t *host, size_t host_size, const uint8_t *path,
                     size_t path_size) {
    size_t scheme = n > 8 && (destination[4] | 32) == 's' ? 8 : 7;
    if (n < scheme + host_size + path_size || !equals_nocase(destination + scheme, host, host_size)) return SIZE_MAX;
    if (!equals_nocase(destination, (const uint8_t *)(scheme == 8 ? "https://" : "http://"), scheme)) return SIZE_MAX;
    if (memcmp(destination + scheme + host_size, path, path_size) != 0) return SIZE_MAX;
    return scheme + host_size + path_size;
}
