/* fast_scan_loop.h: the fast scan's logic over bit masks, the same for every instruction set.
 *
 * The plain algorithm: read tag by tag as tag.c does. That costs a few unpredictable branches per tag, which is
 * all the time there is. Departures, and why each pays:
 *
 * 1. 64 bytes become bit masks, one per interesting byte. Whether a position lies in a tag is the running parity
 *    of '<' and '>', whether in a double-quoted value the parity of the quotes in tags: two prefix xors, no branch.
 * 2. Parity is a guess. It is checked, again without branches, that the guess is what the tokenizer would do:
 *    '<' and '>' alternate; none stands in a value; every opening quote directly follows a '='; every '=' outside
 *    a value directly follows a name that begins behind white space, so that it is not part of a tag's name; and
 *    is followed by a double quote or by an unquoted value of harmless bytes that ends with white space or '>';
 *    there is no single quote in a tag outside a value.
 * 3. A tag is `significant` when its name may matter: decided by two bytes behind '<', by table look-ups on nibbles.
 *    Of what the two bytes can't tell apart, only `strong` (from `style`) is frequent; a third byte lets it pass.
 * 4. The first bit that fails a check, or is significant, ends the skip at its tag, which the states then read exactly.
 *    Bits before the first failure are right, since prefix operations only look back.
 *
 * Include after defining LW_FAST_SCAN_NAME, LW_FAST_SCAN_TARGET (function attribute), lw_masks_at,
 * lw_unquoted_value_bytes and lw_prefix_xor.
 */
#include "fast_scan_masks.h"

typedef struct {
  uint64_t in_tag, in_value;        /* all ones or zero */
  uint64_t after_space, after_equals, name_carry, value_carry; /* 0 or 1: what the last block hands over */
} lw_carry;

/* Add bits at the starts of runs of ones: each carries to the place behind its run's end. Returns those places. */
LW_FAST_SCAN_TARGET static inline uint64_t lw_run_ends(uint64_t starts, uint64_t runs, uint64_t *carry) {
  uint64_t sum = starts + runs, overflow = sum < starts;
  sum += *carry;
  *carry = overflow | (sum < *carry);
  return sum & ~runs;
}

/* "<st" without a 'y'. */
static inline bool lw_is_strong_element(const uint8_t *tag) {
  return (tag[1] | 0x20) == 's' && (tag[2] | 0x20) == 't' && (tag[3] | 0x20) != 'y';
}

/* The bits of this block at which a check of departure 2 fails. */
LW_FAST_SCAN_TARGET static inline uint64_t lw_unverified(const uint8_t *p, const lw_masks *m, lw_carry *carry) {
  uint64_t tag = lw_prefix_xor(m->less ^ m->greater) ^ carry->in_tag;
  uint64_t quotes = m->quote & tag;
  uint64_t value = lw_prefix_xor(quotes) ^ carry->in_value;
  uint64_t outside = tag & ~value;
  uint64_t opening = quotes & value;
  uint64_t equals = m->equals & outside;
  uint64_t name_ends = lw_run_ends((m->space << 1 | carry->after_space) & m->name, m->name, &carry->name_carry);
  uint64_t after_equals = equals << 1 | carry->after_equals;
  uint64_t unquoted = after_equals & ~opening;

  uint64_t unverified = (m->less & ~tag) | (m->greater & tag);
  unverified |= (m->less | m->greater) & value;
  unverified |= opening & ~after_equals;
  unverified |= equals & ~name_ends;
  unverified |= m->apostrophe & outside;
  if (unquoted | carry->value_carry) {
    uint64_t value_bytes = lw_unquoted_value_bytes(p);
    uint64_t ends = lw_run_ends(unquoted & value_bytes, value_bytes, &carry->value_carry);
    unverified |= (unquoted & ~value_bytes) | (ends & ~(m->space | m->greater));
  }

  carry->in_tag = (uint64_t)((int64_t)tag >> 63);
  carry->in_value = (uint64_t)((int64_t)value >> 63);
  carry->after_space = m->space >> 63;
  carry->after_equals = equals >> 63;
  return unverified;
}

LW_FAST_SCAN_TARGET const uint8_t *LW_FAST_SCAN_NAME(const uint8_t *p, const uint8_t *end) {
  lw_carry carry = {0};
  const uint8_t *last_block = p; /* the last that holds a '<', and where it holds them */
  uint64_t last_less = 1;
  lw_masks m;
  while (end - p >= LW_FAST_SCAN_READ_BYTES) {
    uint64_t was_in_tag = carry.in_tag;
    lw_masks_at(p, &m);
    uint64_t unverified = lw_unverified(p, &m, &carry);
    uint64_t stop = unverified | m.significant;
    while (stop & ~unverified & (0 - stop) && lw_is_strong_element(p + lw_lowest_bit(stop))) stop &= stop - 1;
    if (stop == 0) {
      last_block = m.less ? p : last_block; /* moves, not branches: every third block holds none */
      last_less = m.less ? m.less : last_less;
      p += 64;
      continue;
    }
    uint64_t first = stop & (0 - stop);
    if (!(unverified & first)) return p + lw_lowest_bit(stop);
    uint64_t before = m.less & (first - 1);
    if (before) return p + lw_highest_bit(before);
    if (was_in_tag) return last_block + lw_highest_bit(last_less);
    p += lw_lowest_bit(stop) + 1; /* a '>' in text */
    carry = (lw_carry){0};
  }
  return carry.in_tag ? last_block + lw_highest_bit(last_less) : p;
}
