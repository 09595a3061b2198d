/* fast_scan_variants.h: the fast scan by instruction set, and what variants without byte shuffles share. */
#ifndef LW_FAST_SCAN_VARIANTS_H
#define LW_FAST_SCAN_VARIANTS_H

#include "fast_scan.h"
#include "fast_scan_masks.h"

#if defined(__x86_64__) || defined(_M_X64)
#define LW_HAVE_X86 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define LW_HAVE_NEON 1
#endif

const uint8_t *lw_fast_scan_avx2(const uint8_t *p, const uint8_t *end);
const uint8_t *lw_fast_scan_sse2(const uint8_t *p, const uint8_t *end);
const uint8_t *lw_fast_scan_neon(const uint8_t *p, const uint8_t *end);

/* The significant ones of the '<' bits of a block, by the nibble tables, one at a time. */
uint64_t lw_significant_by_table(const uint8_t *block, uint64_t less);

#endif
