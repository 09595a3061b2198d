/* BLAKE2s (RFC 7693), sequential, with a key and a personalization: what hashlib.blake2s computes, for callers in C.
 *
 * Takes no branch and reads no table by what it hashes. Knows nothing of tokens. */
#ifndef LW_BLAKE2S_H
#define LW_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

enum { LW_BLAKE2S_BLOCK_BYTES = 64, LW_BLAKE2S_MAX_BYTES = 32, LW_BLAKE2S_PERSON_BYTES = 8 };

typedef struct {
    uint32_t chain[8];
    uint64_t compressed_bytes;
    uint8_t block[LW_BLAKE2S_BLOCK_BYTES]; /* not compressed yet: the last block is compressed differently */
    size_t held;
    size_t digest_size;
} lw_blake2s;

/* Begins a hash of `digest_size` (1 to 32) bytes. `key_size`: 0 to 32. `person`: LW_BLAKE2S_PERSON_BYTES. */
void lw_blake2s_start(lw_blake2s *state, size_t digest_size, const uint8_t *key, size_t key_size,
                      const uint8_t *person);

void lw_blake2s_update(lw_blake2s *state, const uint8_t *bytes, size_t n);

/* Writes the digest of all bytes so far. The state stays as it is, so that more can follow. */
void lw_blake2s_digest(const lw_blake2s *state, uint8_t *out);

#endif
