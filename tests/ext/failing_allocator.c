/* failing_allocator.c: see failing_allocator.h. */
#include "failing_allocator.h"

#undef calloc
#undef realloc

static long left = -1;

static int refused(void) { return left >= 0 && left-- == 0 ? (left = 0, 1) : 0; }

void lw_fail_after(long allocations) { left = allocations; }

void *lw_failing_calloc(size_t count, size_t size) { return refused() ? NULL : calloc(count, size); }

void *lw_failing_realloc(void *block, size_t size) { return refused() ? NULL : realloc(block, size); }
