/* base64_variants.c: the variants of this build, and the question which of them this processor can run. */
#include "base64_variants.h"

#ifdef LW_BASE64_X86
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
static bool have_avx2(void) {
  int leaf1[4], leaf7[4];
  __cpuid(leaf1, 1);
  bool os_saves_ymm = (leaf1[2] >> 27 & 1) && (_xgetbv(0) & 6) == 6;
  __cpuidex(leaf7, 7, 0);
  return os_saves_ymm && (leaf7[1] >> 5 & 1);
}
#else
static bool have_avx2(void) { return __builtin_cpu_supports("avx2"); }
#endif
#endif

const lw_base64_variant LW_BASE64[] = {
#ifdef LW_BASE64_X86
    {"avx2", lw_base64_read_avx2, lw_base64_write_avx2, have_avx2},
#endif
    {0, 0, 0, 0},
};
