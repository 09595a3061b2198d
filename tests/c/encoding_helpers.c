/* encoding_helpers.c: see encoding_helpers.h. Every range is a heap block of exactly the announced size. */
#include "encoding_helpers.h"

#include <string.h>

#include "base64.h"
#include "check.h"
#include "memmem.h"
#include "quoted_printable.h"
#include "tokenizer_helpers.h"

enum { CHANGES = 6, VALUE = 200, LINE_LIMIT = 76 };

static uint8_t *copy_of(const uint8_t *bytes, size_t n) {
  uint8_t *copy = lw_test_room(n);
  if (n) memcpy(copy, bytes, n);
  return copy;
}

/* Up to CHANGES ascending replacements of a text of n bytes; their values lie in `values`. */
static size_t choose_changes(uint64_t seed, size_t n, uint8_t values[CHANGES][VALUE], lw_replacement *out) {
  size_t count = next_random(&seed) % (CHANGES + 1), at = 0;
  for (size_t i = 0; i < count; i++) {
    size_t start = at + (size_t)((next_random(&seed) >> 32) % (n - at + 1));
    size_t end = start + (size_t)((next_random(&seed) >> 32) % (n - start + 1)) / (1 + next_random(&seed) % 8);
    size_t length = (size_t)(next_random(&seed) >> 32) % VALUE;
    int wide = next_random(&seed) >> 63;
    for (size_t k = 0; k < length; k++) values[i][k] = wide ? (uint8_t)(next_random(&seed) >> 56) : 'v';
    out[i] = (lw_replacement){start, end, values[i], length};
    at = end;
  }
  return count;
}

/* Does a line of the text end behind white space? Replacements there are not applied. */
static int is_stray(const uint8_t *text, const lw_replacement *change) {
  for (size_t i = change->start + 1; i < change->end; i++) {
    size_t before = text[i - 1] == '\r' ? 2 : 1;
    if (text[i] != '\n' || i < change->start + before) continue;
    if (text[i - before] == ' ' || text[i - before] == '\t') return 1;
  }
  return 0;
}

/* CRs are not counted: they belong to line ends. */
static size_t longest_line(const uint8_t *p, size_t n) {
  size_t longest = 0, length = 0;
  for (size_t i = 0; i < n; i++) {
    length = p[i] == '\n' ? 0 : length + (p[i] != '\r');
    if (length > longest) longest = length;
  }
  return longest;
}

/* What the text becomes, into `out`; returns its size. */
static size_t spliced(const uint8_t *text, size_t n, const lw_replacement *replacements, size_t count, uint8_t *out) {
  size_t at = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    memcpy(out + size, text + at, replacements[i].start - at);
    size += replacements[i].start - at;
    memcpy(out + size, replacements[i].value, replacements[i].length);
    size += replacements[i].length;
    at = replacements[i].end;
  }
  memcpy(out + size, text + at, n - at);
  return size + n - at;
}

static void check_splice(const uint8_t *source, size_t n, const uint8_t *text, const lw_qp_part *part, uint64_t seed) {
  uint8_t values[CHANGES][VALUE];
  lw_replacement replacements[CHANGES];
  size_t count = choose_changes(seed, part->size, values, replacements);
  size_t room = lw_qp_splice_bound(n, replacements, count);
  uint8_t *out = lw_test_room(room), *again = lw_test_room(room), *wanted = lw_test_room(room);
  uint8_t applied[CHANGES];
  size_t size = lw_qp_splice(source, n, part->crlf, replacements, count, out, applied);
  CHECK(size <= room);
  size_t longest = longest_line(source, n); /* one more: a line that is full already and is broken there gets a "=" */
  CHECK(longest_line(out, size) <= (longest > LINE_LIMIT ? longest : LINE_LIMIT) + 1);
  int stray = 0; /* an encoded line end counts too: then nothing is compared */
  for (size_t i = 0; i < count; i++) {
    stray |= is_stray(text, &replacements[i]);
    CHECK(applied[i] == 1 || (applied[i] == 0 && is_stray(text, &replacements[i])));
  }
  lw_qp_part found;
  uint8_t *exact = copy_of(out, size);
  CHECK(lw_qp_decode(exact, size, again, &found) == LW_QP_VALID);
  size_t expected = spliced(text, part->size, replacements, count, wanted);
  if (!stray) CHECK(found.size == expected && memcmp(again, wanted, expected) == 0);
  free(exact);
  free(wanted);
  free(again);
  free(out);
}

int check_quoted(const uint8_t *bytes, size_t n, uint64_t seed) {
  uint8_t *source = copy_of(bytes, n), *text = lw_test_room(n);
  lw_qp_part part;
  lw_qp_status status = lw_qp_decode(source, n, text, &part);
  if (status == LW_QP_MALFORMED) CHECK(part.size < n && bytes[part.size] == '=');
  if (status == LW_QP_VALID) check_splice(source, n, text, &part, seed);
  free(text);
  free(source);
  return status == LW_QP_VALID;
}

int check_base64(const uint8_t *bytes, size_t n) {
  uint8_t *source = copy_of(bytes, n), *plain = lw_test_room(n / 4 * 3), *other = lw_test_room(n / 4 * 3);
  size_t size = lw_base64_decode(source, n, NULL, plain);
  CHECK(size == SIZE_MAX || size <= n / 4 * 3);
  for (const lw_base64_variant *one = LW_BASE64; one->name; one++) {
    if (!one->usable()) continue;
    CHECK(lw_base64_decode(source, n, one->read, other) == size);
    CHECK(size == SIZE_MAX || memcmp(plain, other, size) == 0);
  }
  free(other);
  free(plain);
  free(source);
  return size != SIZE_MAX;
}

void check_content(const uint8_t *bytes, size_t n, size_t column, size_t width, int crlf) {
  lw_base64_lines lines = {column, width, crlf != 0};
  size_t room = lw_base64_encoded_length(n, &lines);
  uint8_t *source = copy_of(bytes, n), *plain = lw_test_room(room), *other = lw_test_room(room);
  CHECK(lw_base64_encode(source, n, &lines, NULL, plain) == room);
  size_t longest = longest_line(plain, room);
  CHECK(longest <= width && (room == 0 || plain[room - 1] != '\n'));
  for (const lw_base64_variant *one = LW_BASE64; one->name; one++) {
    if (!one->usable()) continue;
    CHECK(lw_base64_encode(source, n, &lines, one->write, other) == room && memcmp(plain, other, room) == 0);
  }
  uint8_t *again = lw_test_room(room / 4 * 3);
  CHECK(lw_base64_decode(plain, room, NULL, again) == n && memcmp(again, bytes, n) == 0);
  CHECK(lw_base64_offset_after(plain, room, (n + 2) / 3 * 4) == room);
  free(again);
  free(other);
  free(plain);
  free(source);
}

void check_search(const uint8_t *bytes, size_t n, const uint8_t *needle, size_t m) {
  uint8_t *source = copy_of(bytes, n), *wanted = copy_of(needle, m);
  size_t at = 0;
  while (at + m <= n && memcmp(bytes + at, needle, m) != 0) at++;
  CHECK(lw_memmem(source, n, wanted, m) == (at + m <= n ? at : SIZE_MAX));
  free(wanted);
  free(source);
}

static size_t add(uint8_t *out, size_t n, size_t room, const char *text) {
  size_t length = strlen(text);
  if (length > room - n) return n;
  memcpy(out + n, text, length);
  return n + length;
}

size_t make_quoted(uint64_t *seed, uint8_t *out, size_t room) {
  static const char *const PIECES[] = {"=3D", "=e9", "=0A", " ", "\t", "a", "<a href", "\r", "words and words and words "};
  static const char *const WRONG[] = {"=", "=4", "=g0", "=\r", "=="};
  uint64_t kind = next_random(seed) % 8, wanted = next_random(seed) % (room + 1);
  const char *line = kind & 1 ? "\r\n" : "\n", *soft = kind & 1 ? "=\r\n" : "=\n";
  size_t n = 0;
  for (size_t steps = 0; n < wanted && steps < room; steps++) {
    uint64_t dice = next_random(seed) >> 32;
    if (dice % 9 == 0) n = add(out, n, room, dice / 9 % 3 ? soft : line);
    else n = add(out, n, room, PIECES[dice / 9 % (sizeof PIECES / sizeof *PIECES)]);
    if (kind == 7 && dice % 97 == 0) n = add(out, n, room, "\r\n");
  }
  if (kind >= 6) n = add(out, n, room, WRONG[next_random(seed) % (sizeof WRONG / sizeof *WRONG)]);
  return n;
}

size_t make_base64(uint64_t *seed, uint8_t *out, size_t room) {
  static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static const char *const BETWEEN[] = {"\n", "\r\n", " ", "\r", "\t\n"};
  size_t groups = (size_t)(next_random(seed) >> 32) % (room / 8), n = 0, width = 1 + (size_t)(next_random(seed) >> 32) % 90;
  size_t between = next_random(seed) % 5;
  for (size_t i = 0; i < 4 * groups && n + 4 < room; i++) {
    out[n++] = (uint8_t)ALPHABET[(next_random(seed) >> 32) % 64];
    if ((i + 1) % width == 0) n = add(out, n, room, BETWEEN[between]);
  }
  uint64_t dice = next_random(seed);
  if (dice % 4 == 0) n = add(out, n, room, "Zg==");
  if (dice % 7 == 0) n = add(out, n, room, "\r\n");
  if (dice % 5 == 0 && n) out[(dice >> 8) % n] = (uint8_t)"=-\x80 \n\0A_"[(dice >> 48) % 8];
  return n;
}
