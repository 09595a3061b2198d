/* guard_pages.h: input beside a page that may not be touched: reading one byte too far ends the test. */
#ifndef LW_TEST_GUARD_PAGES_H
#define LW_TEST_GUARD_PAGES_H

#include "tokenizer_helpers.h"

enum { GUARDED_MAX = 16384 }; /* the largest input that can be placed */

/* The input's last byte lies right before the forbidden page; its first byte right behind one. One at a time. */
extern const memory ENDS_AT_GUARD, BEGINS_AT_GUARD;

#endif
