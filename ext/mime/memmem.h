/* memmem.h: where a short text begins in a long one. */
#ifndef LW_MEMMEM_H
#define LW_MEMMEM_H

#include <stddef.h>
#include <stdint.h>

/* The longest needle that should be looked for this way: the worst case costs its length at every byte. A boundary
 * has at most 70 characters (RFC 2046, 5.1.1). */
enum { LW_MAX_NEEDLE_BYTES = 128 };

/* The offset in bytes[0..n) at which needle[0..m) first stands, or SIZE_MAX. m is at least 1. */
size_t lw_memmem(const uint8_t *bytes, size_t n, const uint8_t *needle, size_t m);

#endif
