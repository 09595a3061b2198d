/* guard_pages.c: see guard_pages.h. One mapping, made once: forbidden page, GUARDED_MAX bytes, forbidden page. */
#define _DEFAULT_SOURCE  /* MAP_ANONYMOUS: glibc's and musl's name for wishing it */
#define _DARWIN_C_SOURCE /* and macOS's */
#include "guard_pages.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

static uint8_t *usable(void) {
  static uint8_t *inside;
  if (inside) return inside;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  CHECK(GUARDED_MAX % page == 0);
  uint8_t *all = mmap(NULL, GUARDED_MAX + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(all != MAP_FAILED);
  CHECK(mprotect(all, page, PROT_NONE) == 0);
  CHECK(mprotect(all + page + GUARDED_MAX, page, PROT_NONE) == 0);
  inside = all + page;
  return inside;
}

static const uint8_t *copy_to_end(const uint8_t *bytes, size_t n) {
  CHECK(n <= GUARDED_MAX);
  uint8_t *to = usable() + GUARDED_MAX - n;
  memcpy(to, bytes, n);
  return to;
}

static const uint8_t *copy_to_beginning(const uint8_t *bytes, size_t n) {
  CHECK(n <= GUARDED_MAX);
  return memcpy(usable(), bytes, n);
}

/* What was placed is overwritten, so that nobody can live from it longer than promised. */
static void release(const uint8_t *placed) {
  (void)placed;
  memset(usable(), '<', GUARDED_MAX);
}

const memory ENDS_AT_GUARD = {copy_to_end, release}, BEGINS_AT_GUARD = {copy_to_beginning, release};
