/* fast_scan.c: the variants of this build, and which of them this processor can run. */
#include "fast_scan.h"

#include "fast_scan_variants.h"

uint64_t lw_significant_by_table(const uint8_t *block, uint64_t less) {
  static const uint8_t FIRST_LOW[16] = {LW_FIRST_LOW}, FIRST_HIGH[16] = {LW_FIRST_HIGH};
  static const uint8_t SECOND_LOW[16] = {LW_SECOND_LOW}, SECOND_HIGH[16] = {LW_SECOND_HIGH};
  uint64_t significant = 0;
  for (; less; less &= less - 1) {
    const uint8_t *p = block + lw_lowest_bit(less);
    uint8_t first = FIRST_LOW[p[1] & 15] & FIRST_HIGH[p[1] >> 4];
    uint8_t second = SECOND_LOW[p[2] & 15] & SECOND_HIGH[p[2] >> 4];
    bool name = lw_is_alpha(p[1]) || p[1] == '/';
    if (!name || (first & second)) significant |= less & (0 - less);
  }
  return significant;
}

#ifdef LW_HAVE_X86
static bool always(void) { return true; }

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
static bool have_avx2(void) {
  int leaf1[4], leaf7[4];
  __cpuid(leaf1, 1);
  bool os_saves_ymm = (leaf1[2] >> 27 & 1) && (_xgetbv(0) & 6) == 6;
  __cpuidex(leaf7, 7, 0);
  return os_saves_ymm && (leaf1[2] >> 1 & 1) && (leaf7[1] >> 5 & 1) && (leaf7[1] >> 8 & 1) && (leaf7[1] >> 3 & 1);
}
#else
static bool have_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}
#endif
#elif defined(LW_HAVE_NEON)
static bool always(void) { return true; }
#endif

const lw_fast_scan_variant LW_FAST_SCAN_VARIANTS[] = {
#ifdef LW_HAVE_X86
    {"avx2", lw_fast_scan_avx2, have_avx2},
    {"sse2", lw_fast_scan_sse2, always},
#elif defined(LW_HAVE_NEON)
    {"neon", lw_fast_scan_neon, always},
#endif
    {0, 0, 0},
};
