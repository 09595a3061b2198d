/* A floor: what the machine can do with the same bytes when nothing is decided about them.
 * Compiled on demand by baselines/__init__.py; no part of the product. The function does the whole work `rounds`
 * times, so that the cost of calling it from Python does not count as work of the floor. */
#include <stddef.h>
#include <string.h>

/* The compiler can't know what happens here: it may neither drop a round nor hoist its work out of the loop. */
#define OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

/* Copies `size` bytes to `target`, which has been written before. Returns the bytes copied in all rounds. */
size_t floor_copy(char *target, const char *buffer, size_t size, size_t rounds) {
  for (size_t round = 0; round < rounds; round++) {
    OPAQUE(buffer);
    memcpy(target, buffer, size);
    OPAQUE(target);
  }
  return size * rounds;
}
