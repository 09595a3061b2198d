/* skip.h: the fast path. Skips text and plain tags 64 bytes at a time.
 *
 * A sweep starts in text (the tokenizer's data state, no foreign element open) at `p` and returns a place not
 * behind `end` at which the document is in text again: the '<' of the first tag that it does not vouch for (it
 * may be a link, a comment, a raw-text element, or unusually written), or a place near `end`. Everything it passes
 * is complete: text, and tags that change nothing, with all quoted values closed.
 */
#ifndef LW_SKIP_H
#define LW_SKIP_H

#include "ascii.h"

typedef const uint8_t *(*lw_sweep)(const uint8_t *p, const uint8_t *end);

/* A way to sweep that this build knows; `usable` asks the processor. Best first; ends with a NULL name. */
typedef struct {
  const char *name;
  lw_sweep sweep;
  bool (*usable)(void);
} lw_sweep_variant;

extern const lw_sweep_variant LW_SWEEPS[];

#endif
