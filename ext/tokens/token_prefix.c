#include "token_prefix.h"

#include <string.h>

enum { VERSION = 1, SHORT_BIT = 16, KINDS = 6, UUID4_OFFSET = 1, UUID7_OFFSET = 2, SMALL_NUMBER_KEY = 32, SMALL_UUID_KEY = 64 };
enum { MAX_DIGITS = 20, UUID_CHARACTERS = 36 };

size_t lw_write_varint(uint8_t *out, uint32_t value) {
    size_t size = 0;
    for (; value >= 128; value >>= 7) out[size++] = (uint8_t)(value | 128);
    out[size] = (uint8_t)value;
    return size + 1;
}

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* RFC 3986, "unreserved". */
static bool is_unreserved(uint8_t c) {
    uint8_t lower = c | 32;
    return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Four numbers with dots between them, however large. */
static bool is_ipv4(const uint8_t *text, size_t n) {
    size_t dots = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_digit(text[i])) continue;
        if (text[i] != '.' || i == 0 || i + 1 == n || text[i - 1] == '.') return false;
        dots++;
    }
    return dots == 3;
}

static bool is_text_id(const uint8_t *text, size_t n) {
    if (n < 1 || n > LW_MAX_ID_CHARACTERS) return false;
    for (size_t i = 0; i < n; i++)
        if (!is_unreserved(text[i])) return false;
    return !is_ipv4(text, n);
}

static size_t encode_number(const lw_token_kind *kind, uint64_t number, uint8_t *out) {
    size_t size = 1;
    while (size < 8 && number >> (8 * size)) size++;
    bool small = kind->key_id < SMALL_NUMBER_KEY;
    out[0] = (uint8_t)((size - 1) << 5 | (small ? kind->key_id : 0));
    for (size_t i = 0; i < size; i++) out[1 + i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    return 1 + size + (small ? 0 : lw_write_varint(out + 1 + size, kind->key_id));
}

static size_t encode_text(const lw_token_kind *kind, const lw_id *id, uint8_t *out) {
    size_t key = lw_write_varint(out, kind->key_id);
    out[key] = (uint8_t)id->size;
    memcpy(out + key + 1, id->text, id->size);
    return key + 1 + id->size;
}

/* The version of a UUID of RFC 4122's variant whose version has a form of its own, as an offset of that form; or 0. */
static unsigned uuid_form(const uint8_t *uuid) {
    if ((uuid[8] & 0xC0) != 0x80) return 0;
    return uuid[6] >> 4 == 4 ? UUID4_OFFSET : uuid[6] >> 4 == 7 ? UUID7_OFFSET : 0;
}

static size_t encode_uuid(const lw_token_kind *kind, const uint8_t *uuid, uint8_t *out) {
    if (!uuid_form(uuid)) {
        size_t key = lw_write_varint(out, kind->key_id);
        memcpy(out + key, uuid, LW_UUID_BYTES);
        return key + LW_UUID_BYTES;
    }
    bool is_small = kind->key_id < SMALL_UUID_KEY;
    uint32_t small = is_small ? kind->key_id : 0;
    memcpy(out, uuid, LW_UUID_BYTES);
    out[6] = (uint8_t)((uuid[6] & 0x0F) | small >> 2 << 4);
    out[8] = (uint8_t)((uuid[8] & 0x3F) | (small & 3) << 6);
    return LW_UUID_BYTES + (is_small ? 0 : lw_write_varint(out + LW_UUID_BYTES, kind->key_id));
}

static bool read_number(const uint8_t *text, size_t n, uint64_t *number) {
    if (n == 0 || n > MAX_DIGITS || (text[0] == '0' && n > 1)) return false;
    *number = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(text[i])) return false;
        uint64_t digit = text[i] - (uint64_t)'0';
        if (*number > (UINT64_MAX - digit) / 10) return false;
        *number = *number * 10 + digit;
    }
    return true;
}

static int hex_digit(uint8_t c) { return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool read_uuid(const uint8_t *text, size_t n, uint8_t *uuid) {
    if (n != UUID_CHARACTERS) return false;
    for (size_t i = 0, at = 0; i < LW_UUID_BYTES; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-') return false;
        int high = hex_digit(text[at]), low = hex_digit(text[at + 1]);
        if (high < 0 || low < 0) return false;
        uuid[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return true;
}

lw_id lw_read_id(const uint8_t *text, size_t n, uint8_t uuid[LW_UUID_BYTES]) {
    lw_id id = {.kind = LW_ID_TEXT, .text = text, .size = n};
    if (read_number(text, n, &id.number)) {
        id.kind = LW_ID_NUMBER;
    } else if (read_uuid(text, n, uuid)) {
        id = (lw_id){.kind = LW_ID_UUID, .text = uuid, .size = LW_UUID_BYTES};
    }
    return id;
}

size_t lw_encode_prefix(const lw_token_kind *kind, const lw_id *id, uint8_t *out) {
    unsigned form = (unsigned)id->kind + (id->kind == LW_ID_UUID ? uuid_form(id->text) : 0);
    if (id->kind == LW_ID_TEXT && !is_text_id(id->text, id->size)) return 0;
    if (id->kind == LW_ID_UUID && kind->privacy == LW_PRIVACY_ANONYMOUS) return 0; /* campaigns are none */
    out[0] = (uint8_t)(VERSION << 5 | (kind->is_short ? SHORT_BIT : 0) | ((unsigned)kind->privacy * KINDS + form));
    switch (id->kind) {
    case LW_ID_NUMBER: return 1 + encode_number(kind, id->number, out + 1);
    case LW_ID_TEXT: return 1 + encode_text(kind, id, out + 1);
    case LW_ID_UUID: return 1 + encode_uuid(kind, id->text, out + 1);
    default: return 1 + lw_write_varint(out + 1, kind->key_id);
    }
}
