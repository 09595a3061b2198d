/* column.h: the cells of an Arrow array, read in place (Arrow columnar format, version 1.5).
 *
 * Borrows the buffers of whoever exported the array. Trusts their sizes, which the C data interface does not give; what
 * lies in them it checks as far as it can: sizes, indexes and the order of offsets. It allocates nothing. */
#ifndef LW_COLUMN_H
#define LW_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  LW_COLUMN_OFFSETS32, /* string, binary */
  LW_COLUMN_OFFSETS64, /* large_string, large_binary */
  LW_COLUMN_VIEWS,     /* string_view, binary_view */
  LW_COLUMN_FIXED,     /* fixed-size binary of `width` bytes */
  LW_COLUMN_SIGNED,    /* integers of `width` bytes */
  LW_COLUMN_UNSIGNED
} lw_column_kind;

typedef struct lw_column {
  lw_column_kind kind;
  size_t width;
  int64_t offset, length;
  const uint8_t *validity; /* a bit for each cell, the lowest first; NULL: no cell is null */
  const uint8_t *values;   /* offsets, views, fixed-size bytes or integers */
  const uint8_t *data;     /* what offsets refer to */
  const uint8_t *const *view_data; /* what views refer to: buffers, and their sizes */
  const int64_t *view_data_sizes;
  int64_t view_data_count;
  const struct lw_column *dictionary; /* with one, the integers are indexes of its cells; it has none itself */
} lw_column;

typedef enum { LW_CELL_NULL, LW_CELL_TEXT, LW_CELL_NUMBER, LW_CELL_NEGATIVE, LW_CELL_INVALID } lw_cell_kind;

/* `text` is never NULL. A number is given without its sign. */
typedef struct {
  const uint8_t *text;
  size_t size;
  uint64_t number;
} lw_cell;

/* Read a cell; `row` is from 0 to below the column's length. LW_CELL_INVALID: the array contradicts itself. */
lw_cell_kind lw_column_read(const lw_column *column, int64_t row, lw_cell *cell);

#endif
