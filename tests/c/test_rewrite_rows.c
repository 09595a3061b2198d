/* test_rewrite_rows.c: columns are read and rows written in exactly the room there is. */
#include <string.h>

#include "check.h"
#include "guard_pages.h"
#include "markup_generator.h"
#include "rewrite_rows.h"
#include "test_list.h"

enum { KEY_BYTES = 32, LIMIT = 1 << 20 };

static const uint8_t BASE_URL[] = "https://t.example/c/";

/* Everything a run needs, with room of exact sizes. */
static lw_rows make_rows(const lw_column *documents, const lw_column *ids, const lw_options *options) {
  static const uint8_t key[KEY_BYTES] = {1, 2, 3}, person[8] = "lw-link1";
  lw_rows rows = {.documents = documents, .ids = ids, .options = options, .base_url = BASE_URL, .is_utf8 = true,
                  .end = documents->length, .text_limit = LIMIT};
  lw_blake2s_start(&rows.keyed, LW_MAC_BYTES, key, KEY_BYTES, person);
  rows.token_kind.key_id = 1;
  rows.minter.sealed = true;
  rows.minter.base_url_size = sizeof BASE_URL - 1;
  if (ids == NULL) lw_minter_set_prefix(&rows.minter, &rows.keyed, (const uint8_t *)"\x21\x01\x07", 3);
  rows.text_ends = lw_test_room(sizeof(int64_t) * (size_t)documents->length);
  rows.row_outcomes = lw_test_room((size_t)documents->length);
  return rows;
}

static void free_rows(lw_rows *rows) {
  free(rows->text);
  free(rows->scratch);
  free(rows->text_ends);
  free(rows->row_outcomes);
}

/* Runs to the end, giving it each time exactly the room it wants, and at the start none. */
static lw_rows_status run_rows(lw_rows *rows) {
  for (;;) {
    lw_rows_status status = lw_rewrite_rows(rows);
    if (status == LW_ROWS_NEED_TEXT) {
      CHECK(rows->wanted > rows->capacity);
      rows->text = realloc(rows->text, rows->capacity = rows->wanted);
    } else if (status == LW_ROWS_NEED_SCRATCH) {
      CHECK(rows->wanted > rows->scratch_size);
      rows->scratch = realloc(rows->scratch, rows->scratch_size = rows->wanted);
    } else if (status == LW_ROWS_NEED_CALLER) {
      lw_cell cell;
      CHECK(lw_column_read(rows->documents, rows->row, &cell) == LW_CELL_TEXT);
      lw_finish_row(rows, LW_ROW_UNCHANGED);
    } else {
      return status;
    }
  }
}

void rows_stay_off_the_guard_pages(void) {
  const memory *const sides[] = {&ENDS_AT_GUARD, &BEGINS_AT_GUARD};
  const lw_options options = {.tag_limit = 65536};
  static const char link[] = "<p><a href=\"https://example.com/?a=1&amp;b=2\">x</a>";
  uint8_t bytes[2048];
  uint64_t seed = 12, replaced = 0;
  for (size_t i = 0; i < 4000; i++) {
    size_t n = make_value(&seed, bytes, 300);
    if (i % 2) {
      memmove(bytes + sizeof link - 1, bytes, n);
      memcpy(bytes, link, sizeof link - 1);
      n += sizeof link - 1;
    }
    const memory *memory = sides[i / 2 % 2];
    const uint8_t *placed = memory->place(bytes, n);
    int64_t *offsets = lw_test_room(2 * sizeof(int64_t)), *id = lw_test_room(sizeof(int64_t));
    offsets[0] = 0, offsets[1] = (int64_t)n, id[0] = (int64_t)(i * i * i);
    lw_column documents = {.kind = LW_COLUMN_OFFSETS64, .length = 1, .values = (uint8_t *)offsets, .data = placed};
    lw_column ids = {.kind = LW_COLUMN_UNSIGNED, .width = 8, .length = 1, .values = (uint8_t *)id};
    lw_rows rows = make_rows(&documents, i % 3 ? &ids : NULL, &options);
    CHECK(run_rows(&rows) == LW_ROWS_DONE && rows.row == 1);
    if (rows.row_outcomes[0] == LW_ROW_REWRITTEN) {
      CHECK(rows.size > n && rows.counts[LW_TRACKED] >= 1);
      replaced++;
    } else if (rows.size) {
      CHECK(rows.size == n && memcmp(rows.text, bytes, n) == 0);
    }
    free_rows(&rows);
    free(offsets);
    free(id);
    memory->release(placed);
  }
  CHECK(replaced > 500);
}

static lw_cell_kind read_one(lw_column column, int64_t row) {
  lw_cell cell;
  return lw_column_read(&column, row, &cell);
}

void contradictions_are_refused(void) {
  const int32_t offsets[] = {0, 3, 2, 5, -1};
  lw_column texts = {.kind = LW_COLUMN_OFFSETS32, .length = 4, .values = (const uint8_t *)offsets,
                     .data = (const uint8_t *)"hello"};
  CHECK(read_one(texts, 0) == LW_CELL_TEXT && read_one(texts, 2) == LW_CELL_TEXT);
  CHECK(read_one(texts, 1) == LW_CELL_INVALID && read_one(texts, 3) == LW_CELL_INVALID);
  const uint8_t valid = 2;
  texts.validity = &valid;
  CHECK(read_one(texts, 0) == LW_CELL_NULL && read_one(texts, 1) == LW_CELL_INVALID);

  const uint8_t *const buffers[] = {(const uint8_t *)"a text of some length"};
  const int64_t sizes[] = {21};
  const int32_t views[][4] = {{21, 0, 0, 0}, {21, 0, 0, 1}, {20, 0, 1, 0}, {20, 0, -1, 0}, {20, 0, 0, -1}, {-1, 0, 0, 0},
                              {12, 0, 0, 0}};
  lw_column column = {.kind = LW_COLUMN_VIEWS, .length = 7, .values = (const uint8_t *)views, .view_data = buffers,
                      .view_data_sizes = sizes, .view_data_count = 1};
  CHECK(read_one(column, 0) == LW_CELL_TEXT && read_one(column, 6) == LW_CELL_TEXT);
  for (int64_t row = 1; row < 6; row++) CHECK(read_one(column, row) == LW_CELL_INVALID);

  const int8_t indexes[] = {0, 3, 4, -1};
  texts.validity = NULL;
  lw_column dictionary = {.kind = LW_COLUMN_SIGNED, .width = 1, .length = 4, .values = (const uint8_t *)indexes,
                          .dictionary = &texts};
  CHECK(read_one(dictionary, 0) == LW_CELL_TEXT);
  for (int64_t row = 1; row < 4; row++) CHECK(read_one(dictionary, row) == LW_CELL_INVALID);
  const lw_options options = {.tag_limit = 65536};
  lw_rows rows = make_rows(&dictionary, NULL, &options);
  CHECK(run_rows(&rows) == LW_ROWS_INVALID && rows.row == 1);
  free_rows(&rows);
}

void prefixes_fit_their_room(void) {
  const uint32_t keys[] = {1, 31, 32, 63, 64, UINT32_MAX};
  const char *const refused[] = {"", "a@b", "1.2.3.4", "999.1.1.0", "\xC3\xA9", "a b"};
  uint8_t text[LW_MAX_ID_CHARACTERS + 1];
  memset(text, 'a', sizeof text);
  for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
    lw_token_kind kind = {.privacy = LW_PRIVACY_FULL, .key_id = keys[k]};
    uint8_t *prefix = lw_test_room(LW_MAX_PREFIX_BYTES);
    for (size_t n = 0; n <= sizeof text; n++) {
      size_t size = lw_encode_prefix(&kind, &(lw_id){.kind = LW_ID_TEXT, .text = text, .size = n}, prefix);
      CHECK(n >= 1 && n <= LW_MAX_ID_CHARACTERS ? size >= n + 3 && size <= n + 7 : size == 0);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
      lw_id id = {.kind = LW_ID_TEXT, .text = (const uint8_t *)refused[i], .size = strlen(refused[i])};
      CHECK(lw_encode_prefix(&kind, &id, prefix) == 0);
    }
    for (unsigned bits = 0; bits < 64; bits++) {
      size_t size = lw_encode_prefix(&kind, &(lw_id){.kind = LW_ID_NUMBER, .number = UINT64_C(1) << bits}, prefix);
      CHECK(size >= 3 + bits / 8 && size <= 8 + bits / 8);
    }
    CHECK(lw_encode_prefix(&kind, &(lw_id){.kind = LW_ID_UUID, .text = text, .size = LW_UUID_BYTES}, prefix) >= 17);
    free(prefix);
  }
}
