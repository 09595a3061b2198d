/* check.h: say what did not hold, and abort, so that sanitizers, fuzzers and pytest all notice. */
#ifndef LW_TEST_CHECK_H
#define LW_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) ((condition) ? (void)0 : lw_test_fail(#condition, __FILE__, __LINE__))

_Noreturn static inline void lw_test_fail(const char *condition, const char *file, int line) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  abort();
}

/* malloc that never fails and, for no bytes, still gives a place of its own that a sanitizer watches. */
static inline void *lw_test_room(size_t n) {
  void *room = malloc(n ? n : 1);
  CHECK(room != NULL);
  return room;
}

#endif
