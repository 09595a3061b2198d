/* fast_scan_sse2.c: the fast scan for every x86-64 processor. */
#include "fast_scan_variants.h"

#ifdef LW_HAVE_X86
#include <emmintrin.h>

#define LW_FAST_SCAN_NAME lw_fast_scan_sse2
#define LW_FAST_SCAN_TARGET
#include "fast_scan_masks.h"

#define lw_prefix_xor lw_prefix_xor_shifts

typedef struct {
  __m128i part[4];
} block;

static inline uint64_t bits(const block *b) {
  uint64_t all = 0;
  for (int i = 0; i < 4; i++) all |= (uint64_t)(uint32_t)_mm_movemask_epi8(b->part[i]) << (16 * i);
  return all;
}

static inline uint64_t equal(const block *b, char c) {
  __m128i wanted = _mm_set1_epi8(c);
  block is;
  for (int i = 0; i < 4; i++) is.part[i] = _mm_cmpeq_epi8(b->part[i], wanted);
  return bits(&is);
}

static inline uint64_t above(const block *b, char c) {
  __m128i than = _mm_set1_epi8(c);
  block is;
  for (int i = 0; i < 4; i++) is.part[i] = _mm_cmpgt_epi8(b->part[i], than);
  return bits(&is);
}

static inline block load(const uint8_t *p) {
  block b;
  for (int i = 0; i < 4; i++) b.part[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
  return b;
}

LW_FAST_SCAN_NOINLINE static uint64_t lw_unquoted_value_bytes(const uint8_t *p) {
  block b = load(p);
  uint64_t number = above(&b, 0x2A) & ~above(&b, 0x3B);
  return number | above(&b, 0x3E) | equal(&b, '#') | equal(&b, '%');
}

static inline void lw_masks_at(const uint8_t *p, lw_masks *m) {
  block b = load(p);
  m->less = equal(&b, '<');
  m->greater = equal(&b, '>');
  m->quote = equal(&b, '"');
  m->apostrophe = equal(&b, '\'');
  m->equals = equal(&b, '=');
  m->space = equal(&b, ' ') | equal(&b, '\n') | equal(&b, '\t');
  m->name = above(&b, 0x3E) | equal(&b, '-');
  m->significant = lw_significant_by_table(p, m->less); /* without a byte shuffle, tag by tag */
}

#include "fast_scan_loop.h"
#endif
