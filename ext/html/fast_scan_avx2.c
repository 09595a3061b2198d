/* fast_scan_avx2.c: the fast scan for x86-64 with AVX2 and carry-less multiplication. */
#include "fast_scan_variants.h"

#ifdef LW_HAVE_X86
#include <immintrin.h>

#define LW_FAST_SCAN_NAME lw_fast_scan_avx2
#if defined(__GNUC__) || defined(__clang__)
#define LW_FAST_SCAN_TARGET __attribute__((target("avx2,pclmul,bmi,bmi2")))
#else
#define LW_FAST_SCAN_TARGET
#endif
#include "fast_scan_masks.h"

/* Multiplying by all ones without carries is the running xor. */
LW_FAST_SCAN_TARGET static inline uint64_t lw_prefix_xor(uint64_t x) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)x), _mm_set1_epi8(-1), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

LW_FAST_SCAN_TARGET static inline uint64_t bits(__m256i low, __m256i high) {
  return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

LW_FAST_SCAN_TARGET static inline uint64_t equal(__m256i low, __m256i high, char c) {
  __m256i wanted = _mm256_set1_epi8(c);
  return bits(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

LW_FAST_SCAN_TARGET static inline __m256i load(const uint8_t *p) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

LW_FAST_SCAN_TARGET static inline __m256i table(const uint8_t *entries) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)entries));
}

LW_FAST_SCAN_TARGET static inline __m256i look_up(__m256i bytes, const uint8_t *low, const uint8_t *high) {
  __m256i nibble = _mm256_set1_epi8(0x0F);
  __m256i by_low = _mm256_shuffle_epi8(table(low), _mm256_and_si256(bytes, nibble));
  __m256i shifted = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
  return _mm256_and_si256(by_low, _mm256_shuffle_epi8(table(high), shifted));
}

/* 0xFF where a '<' one byte earlier would be ignorable: its tag's name cannot matter. */
LW_FAST_SCAN_TARGET static inline __m256i ignorable(const uint8_t *p) {
  static const uint8_t FIRST_LOW[16] = {LW_FIRST_LOW}, FIRST_HIGH[16] = {LW_FIRST_HIGH};
  static const uint8_t SECOND_LOW[16] = {LW_SECOND_LOW}, SECOND_HIGH[16] = {LW_SECOND_HIGH};
  __m256i first = load(p + 1);
  __m256i pair = _mm256_and_si256(look_up(first, FIRST_LOW, FIRST_HIGH), look_up(load(p + 2), SECOND_LOW, SECOND_HIGH));
  __m256i letter = _mm256_sub_epi8(_mm256_or_si256(first, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
  letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(25)), letter);
  __m256i name = _mm256_or_si256(letter, _mm256_cmpeq_epi8(first, _mm256_set1_epi8('/')));
  return _mm256_and_si256(name, _mm256_cmpeq_epi8(pair, _mm256_setzero_si256()));
}

LW_FAST_SCAN_TARGET static inline __m256i space_bytes(__m256i v) {
  __m256i space = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(' ')), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n')));
  return _mm256_or_si256(space, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')));
}

LW_FAST_SCAN_TARGET static inline __m256i name_bytes(__m256i v) {
  return _mm256_or_si256(_mm256_cmpgt_epi8(v, _mm256_set1_epi8(0x3E)), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('-')));
}

LW_FAST_SCAN_TARGET static inline __m256i value_bytes(__m256i v) {
  __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8(0x2B));
  __m256i number = _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8(0x10)), from);
  __m256i sign = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('#')), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('%')));
  return _mm256_or_si256(_mm256_or_si256(number, sign), _mm256_cmpgt_epi8(v, _mm256_set1_epi8(0x3E)));
}

LW_FAST_SCAN_TARGET LW_FAST_SCAN_NOINLINE static uint64_t lw_unquoted_value_bytes(const uint8_t *p) {
  return bits(value_bytes(load(p)), value_bytes(load(p + 32)));
}

LW_FAST_SCAN_TARGET static inline void lw_masks_at(const uint8_t *p, lw_masks *m) {
  __m256i low = load(p), high = load(p + 32);
  m->less = equal(low, high, '<');
  m->greater = equal(low, high, '>');
  m->quote = equal(low, high, '"');
  m->apostrophe = equal(low, high, '\'');
  m->equals = equal(low, high, '=');
  m->space = bits(space_bytes(low), space_bytes(high));
  m->name = bits(name_bytes(low), name_bytes(high));
  m->significant = m->less & ~bits(ignorable(p), ignorable(p + 32));
}

#include "fast_scan_loop.h"
#endif
