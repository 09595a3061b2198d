/* fast_scan_masks.h: what a block of 64 bytes is reduced to, bit i standing for byte i; and bit arithmetic. */
#ifndef LW_FAST_SCAN_MASKS_H
#define LW_FAST_SCAN_MASKS_H

#include "ascii.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* For what the loop seldom calls: inlined, its constants would push others out of registers. */
#if defined(__GNUC__) || defined(__clang__)
#define LW_FAST_SCAN_NOINLINE __attribute__((noinline))
#else
#define LW_FAST_SCAN_NOINLINE
#endif

enum { LW_FAST_SCAN_READ_BYTES = 67 }; /* a block, and up to three bytes behind a '<' at its end */

typedef struct {
  uint64_t less, greater, quote, apostrophe, equals;
  uint64_t space; /* ' ', LF or TAB: enough of white space to begin a name after it */
  uint64_t name;  /* bytes that surely continue an attribute's name: '-' and 0x3F to 0x7F */
  uint64_t significant;   /* '<' of what the states must read: see LW_FIRST and LW_SECOND */
} lw_masks;

/* Bytes of which an unquoted value may consist without ending the skip: the name's, '#', '%' and 0x2B to
 * 0x3B (digits and + , - . / : ;). Computed only where there is one: lw_unquoted_value_bytes. */

/* Two bytes behind '<' decide whether a tag is significant. Each bit is a pair of sets, (first byte) x (second
 * byte), a set being (low nibbles) x (high nibbles), and so somewhat too large; too large only costs time.
 *   1 a + space / >     2 s + t c v      4 t + i e      8 i p + f l     16 n x m + m o a
 *   32, 64, 128: '/' + what is no letter
 * A first byte that is neither a letter nor '/' is significant by itself. */
#define LW_FIRST_LOW 8, 1, 0, 2, 4, 0, 0, 0, 16, 8, 0, 0, 0, 16, 16, 224
#define LW_FIRST_HIGH 0, 0, 224, 0, 25, 30, 25, 30, 0, 0, 0, 0, 0, 0, 0, 0
#define LW_SECOND_LOW 97, 48, 32, 34, 34, 36, 42, 32, 32, 37, 33, 160, 169, 177, 161, 177
#define LW_SECOND_HIGH 33, 32, 33, 33, 94, 130, 94, 130, 32, 32, 32, 32, 32, 32, 32, 32

static inline unsigned lw_lowest_bit(uint64_t x) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long i;
  _BitScanForward64(&i, x);
  return i;
#else
  return (unsigned)__builtin_ctzll(x);
#endif
}

static inline unsigned lw_highest_bit(uint64_t x) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long i;
  _BitScanReverse64(&i, x);
  return i;
#else
  return 63u - (unsigned)__builtin_clzll(x);
#endif
}

static inline uint64_t lw_prefix_xor_shifts(uint64_t x) {
  x ^= x << 1;
  x ^= x << 2;
  x ^= x << 4;
  x ^= x << 8;
  x ^= x << 16;
  return x ^ x << 32;
}

#endif
