/* base64_variants.h: the vector variants by instruction set. */
#ifndef LW_BASE64_VARIANTS_H
#define LW_BASE64_VARIANTS_H

#include "base64.h"

#if defined(__x86_64__) || defined(_M_X64)
#define LW_BASE64_X86 1
#endif

void lw_base64_read_avx2(const uint8_t **src, const uint8_t *end, uint8_t **out);
size_t lw_base64_write_avx2(const uint8_t *src, size_t n, uint8_t *out);

#endif
