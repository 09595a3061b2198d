/* fast_scan.h: the fast scan. Passes text and plain tags 64 bytes at a time.
 *
 * It starts in text (the tokenizer's data state, no foreign element open) at `p` and returns a position, at most
 * `end`, at which the document is in text again: the '<' of the first tag that it cannot verify (which may be a
 * link, a comment, a raw-text element, or unusually written), or a position near `end`. Everything it passes
 * is complete: text, and tags that change nothing, with all quoted values closed.
 */
#ifndef LW_FAST_SCAN_H
#define LW_FAST_SCAN_H

#include "ascii.h"

typedef const uint8_t *(*lw_fast_scan_fn)(const uint8_t *p, const uint8_t *end);

/* A variant of this build; `usable` asks the processor. Best first; ends with a NULL name. */
typedef struct {
  const char *name;
  lw_fast_scan_fn skip;
  bool (*usable)(void);
} lw_fast_scan_variant;

extern const lw_fast_scan_variant LW_FAST_SCAN_VARIANTS[];

#endif
