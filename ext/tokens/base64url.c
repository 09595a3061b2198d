#include "base64url.h"

static const uint8_t alphabet[64] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

void lw_base64url_encode(const uint8_t *src, size_t n, uint8_t *out) {
    for (; n >= 3; n -= 3, src += 3, out += 4) {
        uint32_t three = (uint32_t)src[0] << 16 | (uint32_t)src[1] << 8 | src[2];
        out[0] = alphabet[three >> 18];
        out[1] = alphabet[three >> 12 & 63];
        out[2] = alphabet[three >> 6 & 63];
        out[3] = alphabet[three & 63];
    }
    if (n == 0) return;
    uint32_t rest = (uint32_t)src[0] << 16 | (n == 2 ? (uint32_t)src[1] << 8 : 0);
    out[0] = alphabet[rest >> 18];
    out[1] = alphabet[rest >> 12 & 63];
    if (n == 2) out[2] = alphabet[rest >> 6 & 63];
}

/* The six bits of a character, or 64. */
static uint32_t sextet(uint8_t c) {
    if (c >= 'A' && c <= 'Z') return (uint32_t)c - 'A';
    if (c >= 'a' && c <= 'z') return (uint32_t)c - 'a' + 26;
    if (c >= '0' && c <= '9') return (uint32_t)c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

size_t lw_base64url_decode(const uint8_t *src, size_t n, uint8_t *out) {
    uint32_t bits = 0;
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t six = sextet(src[i]);
        if (six == 64) return SIZE_MAX;
        bits = bits << 6 | six;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[written++] = (uint8_t)(bits >> held);
        bits &= (1u << held) - 1;
    }
    return held >= 6 || bits != 0 ? SIZE_MAX : written; /* six bits over: a length of 4k + 1 */
}
