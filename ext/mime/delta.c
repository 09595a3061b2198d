/* delta.c: see delta.h.
 *
 * The base is cut into blocks, which are found by a hash of their bytes. Blocks with the same hash are a list in the
 * order of the base. The text is mostly the base in its order, so of equal blocks the first one is taken that begins
 * where the last match has ended, or later: those before are passed over for good, which keeps the whole linear.
 */
#include "delta.h"

#include <string.h>

enum { BLOCK = 16, MIN_MATCH = 24, MAX_PROBES = 8, NUMBER_BYTES = 5 };

size_t lw_delta_block_count(size_t n) { return n / BLOCK; }

size_t lw_delta_slot_count(size_t n) {
  size_t count = 16;
  while (count < 2 * lw_delta_block_count(n)) count *= 2;
  return count;
}

/* A match costs a number for the bytes before it and two of its own: less than it saves. */
size_t lw_delta_bound(size_t n) { return n + 2 * NUMBER_BYTES; }

static size_t slot_of(const uint8_t *block, size_t count) {
  uint64_t low, high;
  memcpy(&low, block, 8);
  memcpy(&high, block + 8, 8);
  uint64_t hash = (low ^ (high << 29 | high >> 35)) * UINT64_C(0x9E3779B97F4A7C15);
  hash = (hash ^ high) * UINT64_C(0xD6E8FEB86659FD93);
  return (size_t)(hash >> 32) & (count - 1);
}

void lw_delta_build(lw_delta_index *index) {
  size_t count = lw_delta_slot_count(index->n);
  memset(index->slots, 0, count * sizeof *index->slots);
  for (size_t block = lw_delta_block_count(index->n); block > 0; block--) {  /* numbers from 1; 0: none */
    uint32_t *slot = &index->slots[slot_of(index->base + (block - 1) * BLOCK, count)];
    index->next[block - 1] = *slot;
    *slot = (uint32_t)block;
  }
}

static uint8_t *write_number(uint8_t *out, size_t number) {
  for (; number > 0x7F; number >>= 7) *out++ = (uint8_t)(number | 0x80);
  *out++ = (uint8_t)number;
  return out;
}

static uint8_t *write_bytes(uint8_t *out, const uint8_t *bytes, size_t n) {
  if (n == 0) return out;
  out = write_number(out, 2 * n);
  memcpy(out, bytes, n);
  return out + n;
}

static size_t common_length(const uint8_t *a, const uint8_t *b, size_t n) {
  size_t at = 0;
  for (; at + 64 <= n && memcmp(a + at, b + at, 64) == 0; at += 64) {}
  while (at < n && a[at] == b[at]) at++;
  return at;
}

/* The number of the block that equals text[0..BLOCK) and begins at `expected` or behind it, or is the last; or 0. */
static uint32_t find_block(const lw_delta_index *index, uint32_t *cursor, const uint8_t *text, size_t expected) {
  while (*cursor && index->next[*cursor - 1] && (size_t)(*cursor - 1) * BLOCK < expected) *cursor = index->next[*cursor - 1];
  uint32_t block = *cursor;
  for (int probe = 0; block && probe < MAX_PROBES; probe++, block = index->next[block - 1])
    if (memcmp(index->base + (size_t)(block - 1) * BLOCK, text, BLOCK) == 0) return block;
  return 0;
}

size_t lw_delta_encode(const lw_delta_index *index, uint32_t *cursors, const uint8_t *text, size_t n, uint8_t *out) {
  const size_t count = lw_delta_slot_count(index->n);
  uint8_t *begin = out;
  size_t written = 0, at = 0, expected = 0;
  while (n - at >= BLOCK) {
    uint32_t block = find_block(index, &cursors[slot_of(text + at, count)], text + at, expected);
    if (!block) {
      at++;
      continue;
    }
    size_t start = at, from = (size_t)(block - 1) * BLOCK;
    size_t rest = n - at < index->n - from ? n - at : index->n - from;
    size_t end = at + BLOCK + common_length(text + at + BLOCK, index->base + from + BLOCK, rest - BLOCK);
    while (start > written && from > 0 && text[start - 1] == index->base[from - 1]) start--, from--;
    if (end - start < MIN_MATCH) {
      at++;
      continue;
    }
    out = write_bytes(out, text + written, start - written);
    out = write_number(out, 2 * (end - start) + 1);
    out = write_number(out, from);
    expected = from + (end - start);
    written = at = end;
  }
  return (size_t)(write_bytes(out, text + written, n - written) - begin);
}

/* Read a number below 2^35; false when there is none. */
static bool read_number(const uint8_t **at, const uint8_t *end, size_t *number) {
  *number = 0;
  for (int group = 0; group < NUMBER_BYTES && *at < end; group++) {
    uint8_t byte = *(*at)++;
    *number |= (size_t)(byte & 0x7F) << (7 * group);
    if (byte < 0x80) return true;
  }
  return false;
}

size_t lw_delta_text_length(size_t n, const uint8_t *delta, size_t m) {
  const uint8_t *at = delta, *end = delta + m;
  size_t length = 0, step, from;
  while (at < end) {
    if (!read_number(&at, end, &step)) return SIZE_MAX;
    if (step & 1) {
      if (!read_number(&at, end, &from) || from > n || step / 2 > n - from) return SIZE_MAX;
    } else {
      if (step / 2 > (size_t)(end - at)) return SIZE_MAX;
      at += step / 2;
    }
    length += step / 2;
  }
  return length;
}

void lw_delta_apply(const uint8_t *base, const uint8_t *delta, size_t m, uint8_t *out) {
  const uint8_t *at = delta, *end = delta + m;
  size_t step, from;
  while (at < end && read_number(&at, end, &step)) {
    const uint8_t *source = at;
    if (step & 1) {
      if (!read_number(&at, end, &from)) return;
      source = base + from;
    } else {
      at += step / 2;
    }
    memcpy(out, source, step / 2);
    out += step / 2;
  }
}
