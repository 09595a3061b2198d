/* fast_scan_neon.c: the fast scan for ARM64, where NEON is always present. */
#include "fast_scan_variants.h"

#ifdef LW_HAVE_NEON
#include <arm_neon.h>

#define LW_FAST_SCAN_NAME lw_fast_scan_neon
#define LW_FAST_SCAN_TARGET
#include "fast_scan_masks.h"

#define lw_prefix_xor lw_prefix_xor_shifts

/* One bit per byte of four comparison results: weigh the lanes, then add neighbours three times. */
static inline uint64_t bits(const uint8x16_t is[4]) {
  static const uint8_t WEIGHT[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t weight = vld1q_u8(WEIGHT);
  uint8x16_t a = vpaddq_u8(vandq_u8(is[0], weight), vandq_u8(is[1], weight));
  uint8x16_t b = vpaddq_u8(vandq_u8(is[2], weight), vandq_u8(is[3], weight));
  a = vpaddq_u8(a, b);
  a = vpaddq_u8(a, a);
  return vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
}

static inline uint64_t equal(const uint8x16_t v[4], uint8_t c) {
  uint8x16_t is[4];
  for (int i = 0; i < 4; i++) is[i] = vceqq_u8(v[i], vdupq_n_u8(c));
  return bits(is);
}

/* Bytes above `c` that are ASCII. */
static inline uint64_t above(const uint8x16_t v[4], int8_t c) {
  uint8x16_t is[4];
  for (int i = 0; i < 4; i++) is[i] = vcgtq_s8(vreinterpretq_s8_u8(v[i]), vdupq_n_s8(c));
  return bits(is);
}

static inline void load(const uint8_t *p, uint8x16_t v[4]) {
  for (int i = 0; i < 4; i++) v[i] = vld1q_u8(p + 16 * i);
}

LW_FAST_SCAN_NOINLINE static uint64_t lw_unquoted_value_bytes(const uint8_t *p) {
  uint8x16_t v[4];
  load(p, v);
  uint64_t number = above(v, 0x2A) & ~above(v, 0x3B);
  return number | above(v, 0x3E) | equal(v, '#') | equal(v, '%');
}

static inline void lw_masks_at(const uint8_t *p, lw_masks *m) {
  uint8x16_t v[4];
  load(p, v);
  m->less = equal(v, '<');
  m->greater = equal(v, '>');
  m->quote = equal(v, '"');
  m->apostrophe = equal(v, '\'');
  m->equals = equal(v, '=');
  m->space = equal(v, ' ') | equal(v, '\n') | equal(v, '\t');
  m->name = above(v, 0x3E) | equal(v, '-');
  m->significant = lw_significant_by_table(p, m->less);
}

#include "fast_scan_loop.h"
#endif
