/* blake2s.c: see blake2s.h. Written from RFC 7693; the names of section 3 are kept where they help.
 *
 * It exists because a call of hashlib for each link takes longer than all else that is done for a link, and no C
 * library that is on every machine has this hash without such a call. Tokens are opened with hashlib, so that each
 * opened token compares both.
 */
#include "blake2s.h"

#include <string.h>

static const uint32_t IV[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                               0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

static uint32_t load(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

#define ROTATE(word, n) ((word) >> (n) | (word) << (32 - (n)))

/* The mixing function (3.1). */
#define G(a, b, c, d, x, y)                                \
    a += b + x; d = ROTATE(d ^ a, 16); c += d; b = ROTATE(b ^ c, 12); \
    a += b + y; d = ROTATE(d ^ a, 8); c += d; b = ROTATE(b ^ c, 7);

/* One round: which words of the block it takes is one row of SIGMA (2.7), written out so that it is no table. */
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
    G(v0, v4, v8, v12, m[s0], m[s1])                                               \
    G(v1, v5, v9, v13, m[s2], m[s3])                                               \
    G(v2, v6, v10, v14, m[s4], m[s5])                                              \
    G(v3, v7, v11, v15, m[s6], m[s7])                                              \
    G(v0, v5, v10, v15, m[s8], m[s9])                                              \
    G(v1, v6, v11, v12, m[s10], m[s11])                                            \
    G(v2, v7, v8, v13, m[s12], m[s13])                                             \
    G(v3, v4, v9, v14, m[s14], m[s15])

/* The compression function F (3.2). `counted`: bytes of the input up to the end of this block; `final`: it is the
 * last one. */
static void compress(uint32_t h[8], const uint8_t *block, uint64_t counted, int final) {
    uint32_t m[16];
    for (int i = 0; i < 16; i++) m[i] = load(block + 4 * i);
    uint32_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
    uint32_t v8 = IV[0], v9 = IV[1], v10 = IV[2], v11 = IV[3];
    uint32_t v12 = IV[4] ^ (uint32_t)counted, v13 = IV[5] ^ (uint32_t)(counted >> 32);
    uint32_t v14 = final ? ~IV[6] : IV[6], v15 = IV[7];
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
    ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)
    ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)
    ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)
    ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)
    ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)
    ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)
    ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)
    ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)
    h[0] ^= v0 ^ v8;
    h[1] ^= v1 ^ v9;
    h[2] ^= v2 ^ v10;
    h[3] ^= v3 ^ v11;
    h[4] ^= v4 ^ v12;
    h[5] ^= v5 ^ v13;
    h[6] ^= v6 ^ v14;
    h[7] ^= v7 ^ v15;
}

void lw_blake2s_start(lw_blake2s *state, size_t digest_size, const uint8_t *key, size_t key_size,
                      const uint8_t *person) {
    memset(state, 0, sizeof *state);
    memcpy(state->chain, IV, sizeof IV);
    /* the parameter block (2.5 and 2.8): sizes, fanout and depth of 1, no salt, the personalization at its end */
    state->chain[0] ^= 0x01010000 ^ (uint32_t)key_size << 8 ^ (uint32_t)digest_size;
    state->chain[6] ^= load(person);
    state->chain[7] ^= load(person + 4);
    state->digest_size = digest_size;
    if (key_size) {
        memcpy(state->block, key, key_size);
        state->held = LW_BLAKE2S_BLOCK_BYTES;
    }
}

void lw_blake2s_update(lw_blake2s *state, const uint8_t *bytes, size_t n) {
    while (n) {
        if (state->held == LW_BLAKE2S_BLOCK_BYTES) {
            state->compressed_bytes += LW_BLAKE2S_BLOCK_BYTES;
            compress(state->chain, state->block, state->compressed_bytes, 0);
            state->held = 0;
        }
        size_t taken = LW_BLAKE2S_BLOCK_BYTES - state->held;
        if (taken > n) taken = n;
        memcpy(state->block + state->held, bytes, taken);
        state->held += taken;
        bytes += taken;
        n -= taken;
    }
}

void lw_blake2s_digest(const lw_blake2s *state, uint8_t *out) {
    uint8_t block[LW_BLAKE2S_BLOCK_BYTES] = {0};
    uint32_t chain[8];
    memcpy(block, state->block, state->held);
    memcpy(chain, state->chain, sizeof chain);
    compress(chain, block, state->compressed_bytes + state->held, 1);
    for (size_t i = 0; i < state->digest_size; i++) out[i] = (uint8_t)(chain[i / 4] >> 8 * (i % 4));
}
