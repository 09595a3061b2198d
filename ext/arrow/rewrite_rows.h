/* rewrite_rows.h: a column of documents and one of message ids in, the text of rewritten documents out.
 *
 * One call does as many rows as it can. It allocates nothing, calls nobody back, and does not touch what only the
 * caller can do: it returns with the reason and with the row, and the caller calls again.
 *
 *   LW_ROWS_NEED_TEXT     `text` has no room for this row: at least `wanted` bytes are needed. Nothing of it is written.
 *   LW_ROWS_NEED_SCRATCH  likewise for `scratch`.
 *   LW_ROWS_NEED_CALLER   this row needs what C does not know (another charset, a link that seems to be tracked
 *                         already): the caller appends its text and goes on with the next row.
 *   LW_ROWS_FULL          the row would make the text longer than `text_limit`: go on with an empty text.
 *   LW_ROWS_INVALID       the array contradicts itself. The other reasons can't follow on it.
 *
 * All rows from `row` to `end` are done at LW_ROWS_DONE. Threads may share everything but an lw_rows. */
#ifndef LW_REWRITE_ROWS_H
#define LW_REWRITE_ROWS_H

#include "column.h"
#include "destination_class.h"
#include "minter.h"

typedef enum {
  LW_ROWS_DONE, LW_ROWS_NEED_TEXT, LW_ROWS_NEED_SCRATCH, LW_ROWS_NEED_CALLER, LW_ROWS_FULL, LW_ROWS_INVALID
} lw_rows_status;

/* What became of a row. Rows that were not rewritten are there as they were. */
typedef enum {
  LW_ROW_NULL,
  LW_ROW_REWRITTEN,     /* at least one link is replaced */
  LW_ROW_UNCHANGED,     /* no link is to be replaced */
  LW_ROW_ENCODING,      /* its encoding cannot be judged by bytes; only callers say so */
  LW_ROW_MESSAGE_ID,    /* its message id is null, negative or no text that a token can hold */
  LW_ROW_TOO_LARGE      /* rewritten, it would be longer than `text_limit` */
} lw_row_outcome;

/* Where links of the key ring live. */
typedef struct {
  const uint8_t *host, *path;
  size_t host_size, path_size;
} lw_location;

typedef struct {
  const lw_column *documents;
  const lw_column *ids; /* NULL: all rows are of the minter's message */
  const lw_options *options;
  const uint8_t *base_url; /* of minter.base_url_size characters */
  const lw_location *locations;
  size_t location_count;
  bool is_utf8; /* the documents are; else a link whose value is not ASCII needs the caller */
  bool needs_caller; /* each row does */

  lw_minter minter;
  lw_blake2s keyed; /* a hash begun with the key, and with `ids`: what the tokens' prefixes say */
  lw_token_kind token_kind;

  int64_t row, end;
  uint8_t *text;
  size_t size, capacity, text_limit;
  uint8_t *scratch;
  size_t scratch_size, wanted;
  int64_t *text_ends;   /* of each row from `first_row` on: the size of the text behind it */
  uint8_t *row_outcomes; /* likewise */
  int64_t first_row;
  uint64_t counts[LW_OUTCOMES]; /* links by outcome */
} lw_rows;

lw_rows_status lw_rewrite_rows(lw_rows *rows);

/* The row is done: its text is written, up to `size`. */
void lw_finish_row(lw_rows *rows, lw_row_outcome outcome);

#endif
