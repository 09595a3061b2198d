/* replacement.h: one replacement in a text. */
#ifndef LW_REPLACEMENT_H
#define LW_REPLACEMENT_H

#include <stddef.h>
#include <stdint.h>

/* The text's bytes from `start` to before `end` become value[0..length). */
typedef struct {
  size_t start, end;
  const uint8_t *value;
  size_t length;
} lw_replacement;

#endif
