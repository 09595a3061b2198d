/* delta.h: a text as what it has in common with another one, the base, and what it has not.
 *
 * A delta is a sequence of steps, each a number n in groups of seven bits, the lowest first: n is even: the n / 2 bytes
 * that follow; n is odd: n / 2 bytes of the base, from the offset that follows as a number. */
#ifndef LW_DELTA_H
#define LW_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bases are at most so long, so that offsets fit into 32 bits with room. */
enum { LW_DELTA_MAX_BASE_BYTES = 1 << 30 };

/* Where blocks of a base begin. `slots` has lw_delta_slot_count(n) entries, `next` one for each block. */
typedef struct {
  const uint8_t *base;
  size_t n;
  uint32_t *slots, *next;
} lw_delta_index;

size_t lw_delta_slot_count(size_t n);
size_t lw_delta_block_count(size_t n);

/* Fill the index of its base. */
void lw_delta_build(lw_delta_index *index);

/* The longest delta of n bytes. */
size_t lw_delta_bound(size_t n);

/* Write the delta of text[0..n) to `out`; its length. `cursors` is a copy of the index's slots, which is changed. */
size_t lw_delta_encode(const lw_delta_index *index, uint32_t *cursors, const uint8_t *text, size_t n, uint8_t *out);

/* The length of the text that delta[0..m) gives with a base of n bytes, or SIZE_MAX when it cannot be applied to it. */
size_t lw_delta_text_length(size_t n, const uint8_t *delta, size_t m);

/* Write that text to `out`. The delta is one that lw_delta_text_length has accepted. */
void lw_delta_apply(const uint8_t *base, const uint8_t *delta, size_t m, uint8_t *out);

#endif
