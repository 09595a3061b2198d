/* test_transfer_encodings.c: they are exact, every variant agrees, and none leaves the ranges it is given. */
#include <string.h>

#include "base64.h"
#include "check.h"
#include "test_list.h"
#include "encoding_helpers.h"
#include "line_limit.h"
#include "memmem.h"
#include "guard_pages.h"
#include "plain_headers.h"
#include "quoted_printable.h"

enum { ROOM = 1200 };

static const memory *const SIDES[] = {&ENDS_AT_GUARD, &BEGINS_AT_GUARD};

void quoted_printable_is_spliced_as_its_text(void) {
  uint8_t bytes[ROOM];
  uint64_t seed = 21;
  size_t accepted = 0, all = 40000;
  for (size_t i = 0; i < all; i++) {
    size_t n = make_quoted(&seed, bytes, i % 3 ? ROOM : 12);
    accepted += (size_t)check_quoted(bytes, n, next_random(&seed));
  }
  CHECK(accepted > all / 2 && accepted < all); /* else one half of this shows nothing */
}

void base64_is_read_alike_by_every_variant(void) {
  uint8_t bytes[ROOM];
  uint64_t seed = 22;
  size_t accepted = 0, all = 40000;
  for (size_t i = 0; i < all; i++) accepted += (size_t)check_base64(bytes, make_base64(&seed, bytes, i % 3 ? ROOM : 60));
  CHECK(accepted > all / 2 && accepted < all);
}

void base64_is_written_alike_by_every_variant(void) {
  uint8_t bytes[ROOM];
  uint64_t seed = 23;
  for (size_t i = 0; i < 20000; i++) {
    size_t n = (size_t)(next_random(&seed) >> 32) % (i % 2 ? ROOM : 64), width = 4 * (1 + (next_random(&seed) >> 32) % 40);
    for (size_t k = 0; k < n; k++) bytes[k] = (uint8_t)(next_random(&seed) >> 56);
    check_content(bytes, n, (size_t)(next_random(&seed) >> 32) % 90, width, i % 3 == 0);
  }
}

/* Each byte in place of each of 64 characters: one that a vector path misjudges would show. */
void every_byte_is_of_the_alphabet_or_not(void) {
  uint8_t text[68], out[51];
  for (size_t at = 0; at < 64; at++)
    for (unsigned byte = 0; byte < 256; byte++) {
      memset(text, 'Q', sizeof text);
      text[at] = (uint8_t)byte;
      int known = byte != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", (int)byte) != NULL;
      CHECK((lw_base64_decode(text, sizeof text, NULL, out) == sizeof out) == known);
      CHECK(check_base64(text, sizeof text) == known);
    }
}

void a_needle_is_found_where_it_first_stands(void) {
  uint8_t bytes[400], needle[8];
  uint64_t seed = 24;
  for (size_t i = 0; i < 60000; i++) {
    size_t n = (size_t)(next_random(&seed) >> 32) % sizeof bytes, m = 1 + (size_t)(next_random(&seed) >> 32) % sizeof needle;
    unsigned letters = 2 + (unsigned)(next_random(&seed) >> 62);
    for (size_t k = 0; k < n; k++) bytes[k] = (uint8_t)('a' + (next_random(&seed) >> 32) % letters);
    for (size_t k = 0; k < m; k++) needle[k] = (uint8_t)('a' + (next_random(&seed) >> 32) % letters);
    check_search(bytes, n, needle, m);
  }
}

static void read_quoted(const uint8_t *placed, size_t n) {
  uint8_t text[ROOM], out[2 * ROOM];
  lw_qp_part part;
  if (lw_qp_decode(placed, n, text, &part) != LW_QP_VALID) return;
  lw_replacement replacements[] = {{part.size / 2, part.size / 2 + (part.size > 1), (const uint8_t *)"new", 3},
                         {part.size, part.size, (const uint8_t *)"end", 3}};
  CHECK(lw_qp_splice_bound(n, replacements, 2) <= sizeof out);
  uint8_t applied[2];
  lw_qp_splice(placed, n, part.crlf, replacements, 2, out, applied);
}

static void read_base64(const uint8_t *placed, size_t n) {
  uint8_t out[ROOM];
  lw_base64_decode(placed, n, NULL, out);
  for (const lw_base64_variant *one = LW_BASE64; one->name; one++)
    if (one->usable()) lw_base64_decode(placed, n, one->read, out);
  lw_base64_offset_after(placed, n, n);
}

static void write_base64(const uint8_t *placed, size_t n) {
  uint8_t out[3 * ROOM];
  lw_base64_lines lines = {0, 76, true};
  CHECK(lw_base64_encoded_length(n, &lines) <= sizeof out);
  lw_base64_encode(placed, n, &lines, NULL, out);
  for (const lw_base64_variant *one = LW_BASE64; one->name; one++)
    if (one->usable()) lw_base64_encode(placed, n, &lines, one->write, out);
}

static void search(const uint8_t *placed, size_t n) { lw_memmem(placed, n, (const uint8_t *)"--b--", 5); }

void encodings_stay_off_the_guard_pages(void) {
  static void (*const READS[])(const uint8_t *, size_t) = {read_quoted, read_base64, write_base64, search};
  uint8_t bytes[ROOM];
  uint64_t seed = 25;
  for (size_t i = 0; i < 16000; i++) {
    size_t n = i % 4 ? make_base64(&seed, bytes, i % 3 ? 200 : ROOM) : make_quoted(&seed, bytes, i % 3 ? 60 : ROOM);
    const memory *memory = SIDES[i / 4 % 2];
    const uint8_t *placed = memory->place(bytes, n);
    READS[i % 4](placed, n);
    memory->release(placed);
  }
}

static size_t make_headers(uint64_t *seed, uint8_t *out, size_t room) {
  static const char *const PIECES[] = {"From a\n", ">From :", "Lines", "ARC-Seal", ":", " ", "\t", "\r\n", "\n", "\r", "x"};
  size_t n = 0;
  for (size_t left = (next_random(seed) >> 32) % 40; left > 0; left--) {
    const char *piece = PIECES[(next_random(seed) >> 32) % (sizeof PIECES / sizeof *PIECES)];
    if (n + strlen(piece) > room) break;
    memcpy(out + n, piece, strlen(piece));
    n += strlen(piece);
  }
  return n;
}

void headers_stay_off_the_guard_pages(void) {
  uint8_t bytes[ROOM];
  uint64_t seed = 26;
  size_t plain = 0, fitting = 0;
  for (size_t i = 0; i < 20000; i++) {
    size_t n = make_headers(&seed, bytes, ROOM), count, at = n ? (next_random(&seed) >> 32) % n : 0;
    const memory *memory = SIDES[i % 2];
    const uint8_t *placed = memory->place(bytes, n);
    lw_header_field fields[LW_MAX_HEADER_FIELDS];
    size_t body = lw_plain_headers(placed, 0, n, fields, &count);
    plain += body != SIZE_MAX;
    for (size_t k = 0; body != SIZE_MAX && k < count; k++)
      CHECK(fields[k].start < fields[k].value && fields[k].value < fields[k].end && fields[k].end < body);
    lw_replacement changes[] = {{at, at, (const uint8_t *)"abcdef", 6}, {n, n, NULL, 0}};
    fitting += (size_t)lw_lines_fit(placed, n, changes, 2, 12);
    memory->release(placed);
  }
  CHECK(plain > 100 && fitting > 100 && fitting < 20000); /* else some of this shows nothing */
}
