#include "utf8.h"

#include <string.h>

/* Whether p[0..size) are continuation bytes. */
static bool is_continued(const uint8_t *p, size_t size) {
    for (size_t i = 0; i < size; i++)
        if ((p[i] & 0xC0) != 0x80) return false;
    return true;
}

/* The length of the well-formed sequence at p that begins with a byte above 0x7F, or 0. Rows of table 3-7: only the
 * second byte has a range of its own. */
static size_t sequence_length(const uint8_t *p, size_t left) {
    uint8_t first = p[0];
    size_t length = first >= 0xC2 && first <= 0xDF ? 2 : first >= 0xE0 && first <= 0xEF ? 3
                  : first >= 0xF0 && first <= 0xF4 ? 4 : 0;
    if (!length || left < length || !is_continued(p + 1, length - 1)) return 0;
    if (first == 0xE0 && p[1] < 0xA0) return 0;
    if (first == 0xED && p[1] > 0x9F) return 0;
    if (first == 0xF0 && p[1] < 0x90) return 0;
    if (first == 0xF4 && p[1] > 0x8F) return 0;
    return length;
}

bool lw_is_utf8(const uint8_t *text, size_t n) {
    size_t at = 0;
    while (at < n) {
        uint64_t block;
        if (n - at >= sizeof block) {
            memcpy(&block, text + at, sizeof block);
            if (!(block & UINT64_C(0x8080808080808080))) {
                at += sizeof block;
                continue;
            }
        }
        size_t length = text[at] < 0x80 ? 1 : sequence_length(text + at, n - at);
        if (!length) return false;
        at += length;
    }
    return true;
}
