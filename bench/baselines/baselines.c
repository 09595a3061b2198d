/* The floors: what the machine can do with the same bytes when nothing is decided about them.
 * Compiled on demand by floors/__init__.py; no part of the product. Each function does the whole work `rounds`
 * times, so that the cost of calling it from Python does not count as work of the floor. */
#include <stddef.h>
#include <string.h>

/* The compiler can't know what happens here: it may neither drop a round nor hoist its work out of the loop. */
#define OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

static size_t sweep_once(const char *buffer, size_t size) {
  const char *at = buffer, *end = buffer + size;
  size_t count = 0;
  while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
    count++;
    at++;
  }
  return count;
}

/* The number of '<' in `buffer`, added up over all rounds, each found by a call of libc's memchr. */
size_t floor_memchr(const char *buffer, size_t size, size_t rounds) {
  size_t count = 0;
  for (size_t round = 0; round < rounds; round++) {
    OPAQUE(buffer);
    count += sweep_once(buffer, size);
  }
  return count;
}

/* Copies `size` bytes to `target`, which has been written before. Returns the bytes copied in all rounds. */
size_t floor_copy(char *target, const char *buffer, size_t size, size_t rounds) {
  for (size_t round = 0; round < rounds; round++) {
    OPAQUE(buffer);
    memcpy(target, buffer, size);
    OPAQUE(target);
  }
  return size * rounds;
}
