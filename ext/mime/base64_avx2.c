/* base64_avx2.c: base64 for x86-64 with AVX2, eight groups at a time.
 *
 * The plain algorithm looks every character up. Departures, and why each pays:
 *
 * 1. The alphabet is three ranges and two single characters, so that a few comparisons of 32 bytes give the distance
 *    of each character from its six bits, and say which are foreign.
 * 2. Four times six bits are joined by two multiplications that add neighbours.
 * 3. A block with a line end in it is decoded and stored whole; only its groups before the line end are counted, so
 *    that the last groups of a line need no other loop. What is stored too much lies within the promised room and is
 *    overwritten. Line ends behind a group are passed here, for a call has its price.
 */
#include "base64_variants.h"

#ifdef LW_BASE64_X86
#include <immintrin.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define TARGET
#else
#define TARGET __attribute__((target("avx2")))
#endif

enum {
  READ_REACH = 40, /* 32 characters are read, and what is stored for them, 28 bytes, must be room of the source's */
  WRITE_REACH = 28 /* two loads of 16 bytes, 12 apart */
};

static inline unsigned lowest_bit(uint32_t x) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long i;
  _BitScanForward(&i, x);
  return i;
#else
  return (unsigned)__builtin_ctz(x);
#endif
}

/* 0xFF where the byte is one of `count` from `first` on. */
TARGET static inline __m256i in_range(__m256i v, char first, char count) {
  __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8((char)(count - 1))), from);
}

TARGET static inline __m256i masked(__m256i mask, int value) {
  return _mm256_and_si256(mask, _mm256_set1_epi8((char)value));
}

TARGET static inline __m256i either(__m256i a, __m256i b) { return _mm256_or_si256(a, b); }

/* Eight times four six-bit bytes to three bytes: they lie in bytes 0 to 11 of each half. */
TARGET static inline __m256i join_sextets(__m256i six) {
  __m256i pairs = _mm256_maddubs_epi16(six, _mm256_set1_epi32(0x01400140));
  __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  return _mm256_shuffle_epi8(groups, order);
}

TARGET void lw_base64_read_avx2(const uint8_t **src, const uint8_t *end, uint8_t **out) {
  const uint8_t *p = *src;
  uint8_t *to = *out;
  while (end - p >= READ_REACH) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i upper = in_range(v, 'A', 26), lower = in_range(v, 'a', 26), digit = in_range(v, '0', 10);
    __m256i plus = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('+')), slash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('/'));
    __m256i known = either(either(upper, lower), either(digit, either(plus, slash)));
    __m256i distance = either(either(masked(upper, -'A'), masked(lower, 26 - 'a')),
                              either(masked(digit, 52 - '0'), either(masked(plus, 62 - '+'), masked(slash, 63 - '/'))));
    __m256i bytes = join_sextets(_mm256_add_epi8(v, distance));
    _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(bytes));
    _mm_storeu_si128((__m128i *)(void *)(to + 12), _mm256_extracti128_si256(bytes, 1));
    uint32_t foreign = ~(uint32_t)_mm256_movemask_epi8(known);
    size_t groups = foreign ? lowest_bit(foreign) / 4 : 8;
    p += 4 * groups; /* counted even if all are known: a branch for that is mispredicted at every line's end */
    to += 3 * groups;
    if (groups == 8) continue;
    if (p[0] == '\n')
      p++;
    else if (p[0] == '\r' && p[1] == '\n')
      p += 2;
    else
      break;
  }
  *src = p;
  *out = to;
}

/* Bytes 0 to 11 of each half, taken by three, to four six-bit bytes each. */
TARGET static inline __m256i split_sextets(__m256i v) {
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1));
  __m256i three = _mm256_shuffle_epi8(v, order);
  __m256i first = _mm256_and_si256(_mm256_srli_epi32(three, 18), _mm256_set1_epi32(0x3F));
  __m256i second = _mm256_and_si256(_mm256_srli_epi32(three, 4), _mm256_set1_epi32(0x3F00));
  __m256i third = _mm256_and_si256(_mm256_slli_epi32(three, 10), _mm256_set1_epi32(0x3F0000));
  __m256i fourth = _mm256_slli_epi32(_mm256_and_si256(three, _mm256_set1_epi32(0x3F)), 24);
  return either(either(first, second), either(third, fourth));
}

TARGET static inline __m256i above(__m256i v, char c) { return _mm256_cmpgt_epi8(v, _mm256_set1_epi8(c)); }

TARGET size_t lw_base64_write_avx2(const uint8_t *src, size_t n, uint8_t *out) {
  size_t groups = 0;
  for (; n >= WRITE_REACH; groups += 8, src += 24, n -= 24, out += 32) {
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)src);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(src + 12));
    __m256i six = split_sextets(_mm256_set_m128i(high, low));
    __m256i text = _mm256_add_epi8(six, _mm256_set1_epi8('A'));
    text = _mm256_add_epi8(text, masked(above(six, 25), 'a' - 'Z' - 1));
    text = _mm256_add_epi8(text, masked(above(six, 51), '0' - 'z' - 1));
    text = _mm256_add_epi8(text, masked(above(six, 61), '+' - '9' - 1));
    text = _mm256_add_epi8(text, masked(above(six, 62), '/' - '+' - 1));
    _mm256_storeu_si256((__m256i *)(void *)out, text);
  }
  return groups;
}
#endif
