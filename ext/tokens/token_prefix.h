/* The bytes of a token before its link index (src/linkweir/tokens/wire_format.py describes and defines them). */
#ifndef LW_TOKEN_PREFIX_H
#define LW_TOKEN_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LW_MAX_PREFIX_BYTES = 128, LW_MAX_ID_CHARACTERS = 64, LW_UUID_BYTES = 16 };

/* In the order of the format's modes. */
typedef enum { LW_PRIVACY_FULL, LW_PRIVACY_PSEUDONYMOUS, LW_PRIVACY_ANONYMOUS } lw_privacy;

typedef enum { LW_ID_NONE, LW_ID_NUMBER, LW_ID_TEXT, LW_ID_UUID } lw_id_kind;

/* A message id, or in anonymous mode a campaign. `text` borrows the characters of a text or the 16 bytes of a UUID. */
typedef struct {
    lw_id_kind kind;
    uint64_t number;
    const uint8_t *text;
    size_t size;
} lw_id;

/* What else a prefix says. */
typedef struct {
    bool is_short;
    lw_privacy privacy;
    uint32_t key_id;
} lw_token_kind;

/* LEB128: seven bits a byte, lowest first, the top bit set on all but the last. Returns the size, at most 5. */
size_t lw_write_varint(uint8_t *out, uint32_t value);

/* The id that a text stands for: a number or a UUID in its canonical form is one (`7`, but not `007`; lower-case hex with
 * its dashes), and any other text stays a text. `uuid` gets the bytes that the id then borrows. */
lw_id lw_read_id(const uint8_t *text, size_t n, uint8_t uuid[LW_UUID_BYTES]);

/* Writes the prefix to out[0..LW_MAX_PREFIX_BYTES) and returns its size; 0 for an id that a token cannot hold. */
size_t lw_encode_prefix(const lw_token_kind *kind, const lw_id *id, uint8_t *out);

#endif
