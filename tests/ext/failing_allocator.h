/* failing_allocator.h: included before the sources of an extension that allocates from the system: a test can fail it. */
#ifndef LW_TEST_FAILING_ALLOCATOR_H
#define LW_TEST_FAILING_ALLOCATOR_H

#include <stdlib.h>

void *lw_failing_calloc(size_t count, size_t size);
void *lw_failing_realloc(void *block, size_t size);

/* From now on so many more allocations succeed, and all others fail; -1: all succeed. */
__attribute__((visibility("default"))) void lw_fail_after(long allocations);

#define calloc lw_failing_calloc
#define realloc lw_failing_realloc

#endif
