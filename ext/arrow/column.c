#include "column.h"

#include <string.h>

enum { VIEW_BYTES = 16, INLINE_BYTES = 12 };

static int64_t load_int64(const uint8_t *p) {
  int64_t value;
  memcpy(&value, p, sizeof value);
  return value;
}

static int32_t load_int32(const uint8_t *p) {
  int32_t value;
  memcpy(&value, p, sizeof value);
  return value;
}

static lw_cell_kind read_offsets(const lw_column *column, int64_t at, lw_cell *cell) {
  bool wide = column->kind == LW_COLUMN_OFFSETS64;
  int64_t start = wide ? load_int64(column->values + 8 * at) : load_int32(column->values + 4 * at);
  int64_t end = wide ? load_int64(column->values + 8 * at + 8) : load_int32(column->values + 4 * at + 4);
  if (start < 0 || end < start || (end > start && column->data == NULL)) return LW_CELL_INVALID;
  if (end > start) cell->text = column->data + start;
  cell->size = (size_t)(end - start);
  return LW_CELL_TEXT;
}

static lw_cell_kind read_view(const lw_column *column, int64_t at, lw_cell *cell) {
  const uint8_t *view = column->values + VIEW_BYTES * at;
  int32_t size = load_int32(view);
  if (size < 0) return LW_CELL_INVALID;
  cell->size = (size_t)size;
  cell->text = view + 4;
  if (size <= INLINE_BYTES) return LW_CELL_TEXT;
  int32_t buffer = load_int32(view + 8), start = load_int32(view + 12);
  if (buffer < 0 || buffer >= column->view_data_count || start < 0) return LW_CELL_INVALID;
  if (start > column->view_data_sizes[buffer] - size) return LW_CELL_INVALID;
  cell->text = column->view_data[buffer] + start;
  return LW_CELL_TEXT;
}

static lw_cell_kind read_integer(const lw_column *column, int64_t at, lw_cell *cell) {
  const uint8_t *p = column->values + (int64_t)column->width * at;
  uint64_t bits = 0;
  for (size_t i = 0; i < column->width; i++) bits |= (uint64_t)p[i] << 8 * i;
  if (column->kind == LW_COLUMN_SIGNED && p[column->width - 1] >> 7) {
    uint64_t sign = column->width == 8 ? 0 : UINT64_MAX << 8 * column->width;
    cell->number = 0 - (bits | sign);
    return LW_CELL_NEGATIVE;
  }
  cell->number = bits;
  return LW_CELL_NUMBER;
}

lw_cell_kind lw_column_read(const lw_column *column, int64_t row, lw_cell *cell) {
  int64_t at = column->offset + row;
  *cell = (lw_cell){.text = (const uint8_t *)""};
  if (column->validity != NULL && !(column->validity[at >> 3] >> (at & 7) & 1)) return LW_CELL_NULL;
  if (column->kind == LW_COLUMN_OFFSETS32 || column->kind == LW_COLUMN_OFFSETS64)
    return read_offsets(column, at, cell);
  if (column->kind == LW_COLUMN_VIEWS) return read_view(column, at, cell);
  if (column->kind == LW_COLUMN_FIXED) {
    cell->text = column->values + (int64_t)column->width * at;
    cell->size = column->width;
    return LW_CELL_TEXT;
  }
  lw_cell_kind kind = read_integer(column, at, cell);
  if (column->dictionary == NULL) return kind;
  if (kind != LW_CELL_NUMBER || cell->number >= (uint64_t)column->dictionary->length) return LW_CELL_INVALID;
  return lw_column_read(column->dictionary, (int64_t)cell->number, cell);
}
