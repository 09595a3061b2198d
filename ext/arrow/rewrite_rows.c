#include "rewrite_rows.h"

#include <string.h>

#include "base64url.h"
#include "utf8.h"

enum { BATCH = 64, LINK_BATCH_BYTES = 4096 };

/* One row under way: what is counted and written before it is certain that the row can be done. */
typedef struct {
  const uint8_t *html;
  size_t size, copied; /* bytes of the document, and how many of them are in the text */
  size_t end;          /* of the text */
  uint32_t link_index;
  uint32_t counts[LW_OUTCOMES];
} row_state;

static bool has_room(lw_rows *rows, const row_state *row, size_t n) {
  if (rows->capacity - row->end >= n) return true;
  rows->wanted = row->end + n + (row->size - row->copied) + LINK_BATCH_BYTES;
  return false;
}

static void append(lw_rows *rows, row_state *row, const uint8_t *bytes, size_t n) {
  if (n) memcpy(rows->text + row->end, bytes, n);
  row->end += n;
}

/* UTF-16 and UTF-32 with a byte order mark: no document of bytes. The mark of UTF-8 is none of these. */
static bool has_wide_mark(const uint8_t *html, size_t n) {
  if (n < 2) return false;
  if ((html[0] == 0xFE && html[1] == 0xFF) || (html[0] == 0xFF && html[1] == 0xFE)) return true;
  return n >= 4 && html[0] == 0 && html[1] == 0 && html[2] == 0xFE && html[3] == 0xFF;
}

static bool may_be_tracked(const lw_rows *rows, const uint8_t *destination, size_t n) {
  for (size_t i = 0; i < rows->location_count; i++) {
    const lw_location *l = &rows->locations[i];
    if (lw_find_token(destination, n, l->host, l->host_size, l->path, l->path_size) != SIZE_MAX) return true;
  }
  return false;
}

static lw_rows_status replace_link(lw_rows *rows, row_state *row, const lw_span *span, lw_classification *link) {
  if (may_be_tracked(rows, link->destination, link->length)) return LW_ROWS_NEED_CALLER;
  uint8_t token[LW_MAX_TOKEN_BYTES];
  size_t size = lw_mint(&rows->minter, link->destination, link->length, row->link_index, token);
  if (!size) {
    link->outcome = LW_TOO_LONG_DESTINATION;
    return LW_ROWS_DONE;
  }
  size_t start = (size_t)(span->start + span->tag.value), characters = LW_BASE64URL_LENGTH(size);
  if (!has_room(rows, row, start - row->copied + rows->minter.base_url_size + characters)) return LW_ROWS_NEED_TEXT;
  append(rows, row, row->html + row->copied, start - row->copied);
  append(rows, row, rows->base_url, rows->minter.base_url_size);
  lw_base64url_encode(token, size, rows->text + row->end);
  row->end += characters;
  row->copied = (size_t)(span->start + span->tag.value_end);
  return LW_ROWS_DONE;
}

static lw_rows_status rewrite_link(lw_rows *rows, row_state *row, const lw_span *span) {
  if (span->kind == LW_SPAN_SPLIT) return LW_ROWS_NEED_CALLER;
  size_t length = (size_t)(span->tag.value_end - span->tag.value), needed = lw_scratch_bound(length);
  if (needed > rows->scratch_size) {
    rows->wanted = needed;
    return LW_ROWS_NEED_SCRATCH;
  }
  /* the bytes of a tag that was cut or is too long are not read */
  const uint8_t *tag = span->kind == LW_SPAN_COMPLETE ? row->html + span->start : NULL;
  lw_classification link;
  lw_classify(span, tag, rows->options, rows->scratch, &link);
  if (!link.ascii && !(rows->is_utf8 && lw_is_utf8(tag + span->tag.value, length))) return LW_ROWS_NEED_CALLER;
  if (link.outcome == LW_TRACKED) {
    lw_rows_status status = replace_link(rows, row, span, &link);
    if (status != LW_ROWS_DONE) return status;
  }
  row->counts[link.outcome]++;
  row->link_index++;
  return LW_ROWS_DONE;
}

static lw_rows_status rewrite_links(lw_rows *rows, row_state *row) {
  lw_span spans[BATCH];
  lw_spans out = {spans, 0, BATCH};
  lw_scan scan = {0};
  for (size_t at = 0; at <= row->size;) {
    out.count = 0;
    if (at < row->size) {
      at += lw_scan_feed(&scan, rows->options, row->html + at, row->size - at, &out);
    } else {
      lw_scan_finish(&scan, &out);
      at++;
    }
    for (size_t i = 0; i < out.count; i++) {
      lw_rows_status status = rewrite_link(rows, row, &spans[i]);
      if (status != LW_ROWS_DONE) return status;
    }
  }
  if (!has_room(rows, row, row->size - row->copied)) return LW_ROWS_NEED_TEXT;
  append(rows, row, row->html + row->copied, row->size - row->copied);
  return LW_ROWS_DONE;
}

void lw_finish_row(lw_rows *rows, lw_row_outcome outcome) {
  rows->text_ends[rows->row - rows->first_row] = (int64_t)rows->size;
  rows->row_outcomes[rows->row - rows->first_row] = (uint8_t)outcome;
  rows->row++;
}

/* The row as it was. */
static lw_rows_status copy_row(lw_rows *rows, const uint8_t *html, size_t size, lw_row_outcome outcome) {
  row_state row = {.html = html, .size = size, .end = rows->size};
  if (rows->size + size > rows->text_limit) return LW_ROWS_FULL;
  if (!has_room(rows, &row, size)) return LW_ROWS_NEED_TEXT;
  append(rows, &row, html, size);
  rows->size = row.end;
  lw_finish_row(rows, outcome);
  return LW_ROWS_DONE;
}

/* Makes the minter that of the row's message; false for an id that a token cannot hold. */
static bool set_message(lw_rows *rows, lw_cell_kind kind, const lw_cell *cell) {
  bool is_uuid = rows->ids->kind == LW_COLUMN_FIXED ||
                 (rows->ids->dictionary != NULL && rows->ids->dictionary->kind == LW_COLUMN_FIXED);
  if (kind != LW_CELL_NUMBER && kind != LW_CELL_TEXT) return false;
  uint8_t uuid[LW_UUID_BYTES];
  lw_id id = {.kind = kind == LW_CELL_NUMBER ? LW_ID_NUMBER : LW_ID_UUID,
              .number = cell->number, .text = cell->text, .size = cell->size};
  if (kind == LW_CELL_TEXT && !is_uuid) id = lw_read_id(cell->text, cell->size, uuid);
  uint8_t prefix[LW_MAX_PREFIX_BYTES];
  size_t size = lw_encode_prefix(&rows->token_kind, &id, prefix);
  if (size) lw_minter_set_prefix(&rows->minter, &rows->keyed, prefix, size);
  return size != 0;
}

static lw_rows_status rewrite_row(lw_rows *rows) {
  lw_cell html, id;
  lw_cell_kind kind = lw_column_read(rows->documents, rows->row, &html), id_kind = LW_CELL_NULL;
  if (rows->ids != NULL) id_kind = lw_column_read(rows->ids, rows->row, &id);
  if (kind == LW_CELL_INVALID || id_kind == LW_CELL_INVALID) return LW_ROWS_INVALID;
  if (kind == LW_CELL_NULL) {
    lw_finish_row(rows, LW_ROW_NULL);
    return LW_ROWS_DONE;
  }
  if (rows->ids != NULL && !set_message(rows, id_kind, &id)) return copy_row(rows, html.text, html.size, LW_ROW_MESSAGE_ID);
  if (rows->needs_caller || has_wide_mark(html.text, html.size)) return LW_ROWS_NEED_CALLER;
  row_state row = {.html = html.text, .size = html.size, .end = rows->size};
  lw_rows_status status = rewrite_links(rows, &row);
  if (status != LW_ROWS_DONE) return status;
  if (row.end > rows->text_limit) {
    if (rows->size) return LW_ROWS_FULL;
    return copy_row(rows, html.text, html.size, LW_ROW_TOO_LARGE);
  }
  rows->size = row.end;
  for (size_t i = 0; i < LW_OUTCOMES; i++) rows->counts[i] += row.counts[i];
  lw_finish_row(rows, row.counts[LW_TRACKED] ? LW_ROW_REWRITTEN : LW_ROW_UNCHANGED);
  return LW_ROWS_DONE;
}

lw_rows_status lw_rewrite_rows(lw_rows *rows) {
  while (rows->row < rows->end) {
    lw_rows_status status = rewrite_row(rows);
    if (status != LW_ROWS_DONE) return status;
  }
  return LW_ROWS_DONE;
}
