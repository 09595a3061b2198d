/* quoted_printable.c: see quoted_printable.h. From text offsets back to encoded ones it walks from "=" to "=" again. */
#include "quoted_printable.h"

#include <string.h>

#include "memmem.h"

enum {
  LINE_LIMIT = 76,  /* characters of a line, a soft break's "=" included (RFC 2045, 6.7, rule 5) */
  LEAST_FILLED = 73 /* of a line between two new soft breaks: the "=" and an =XX that no longer fits are missing */
};

static int hex_digit(uint8_t c) {
  if ((uint8_t)(c - '0') < 10) return c - '0';
  uint8_t lower = c | 0x20;
  return (uint8_t)(lower - 'a') < 6 ? lower - 'a' + 10 : -1;
}

/* How many bytes the soft break at `p` has, 0 when there is none. A "=" that ends the part is not meant. */
static size_t soft_break_length(const uint8_t *p, const uint8_t *end) {
  if (end - p >= 2 && p[0] == '=' && p[1] == '\n') return 2;
  return end - p >= 3 && p[0] == '=' && p[1] == '\r' && p[2] == '\n' ? 3 : 0;
}

/* Behind the bytes that stand for themselves. */
static const uint8_t *next_equals(const uint8_t *p, const uint8_t *end) {
  const uint8_t *mark = p == end ? NULL : memchr(p, '=', (size_t)(end - p));
  return mark ? mark : end;
}

lw_qp_status lw_qp_decode(const uint8_t *src, size_t n, uint8_t *text, lw_qp_part *part) {
  const uint8_t *p = src, *end = src + n;
  uint8_t *out = text;
  bool soft_lf = false;
  while (p < end) {
    const uint8_t *mark = next_equals(p, end);
    if (mark != p) memcpy(out, p, (size_t)(mark - p));
    out += mark - p;
    for (p = mark; p < end && *p == '=';) {
      size_t soft = soft_break_length(p, end);
      int high = end - p >= 3 ? hex_digit(p[1]) : -1, low = end - p >= 3 ? hex_digit(p[2]) : -1;
      if (soft) {
        soft_lf |= soft == 2;
        p += soft;
      } else if (high >= 0 && low >= 0) {
        *out++ = (uint8_t)(high << 4 | low);
        p += 3;
      } else if (end - p == 1) {
        p = end;
      } else {
        *part = (lw_qp_part){.size = (size_t)(p - src)};
        return LW_QP_MALFORMED;
      }
    }
  }
  bool crlf = lw_memmem(src, n, (const uint8_t *)"\r\n", 2) != SIZE_MAX;
  *part = (lw_qp_part){.size = (size_t)(out - text), .crlf = crlf};
  return soft_lf && crlf ? LW_QP_MIXED_SOFT_BREAKS : LW_QP_VALID;
}

/* A position in the encoded bytes, and how many bytes of the text come before it. */
typedef struct {
  const uint8_t *at;
  size_t before;
} position;

/* On to where the encoding of the text's byte `offset` begins, behind soft breaks. Never backwards. */
static void advance_to(position *here, size_t offset, const uint8_t *end) {
  while (here->before < offset && here->at < end) {
    size_t missing = offset - here->before, left = (size_t)(end - here->at);
    const uint8_t *mark = next_equals(here->at, here->at + (missing < left ? missing : left));
    here->before += (size_t)(mark - here->at);
    here->at = mark;
    if (here->before == offset || mark == end) break;
    size_t soft = soft_break_length(mark, end);
    here->at += soft ? soft : end - mark < 3 ? (size_t)(end - mark) : 3;
    here->before += !soft;
  }
  for (size_t soft; (soft = soft_break_length(here->at, end)) != 0;) here->at += soft;
}

/* Does a line end behind white space in here? */
static bool has_trailing_space(const uint8_t *p, const uint8_t *end) {
  for (const uint8_t *line = p; line < end; line++) {
    line = memchr(line, '\n', (size_t)(end - line));
    if (!line) return false;
    const uint8_t *before = line > p && line[-1] == '\r' ? line - 1 : line;
    if (before > p && (before[-1] == ' ' || before[-1] == '\t')) return true;
  }
  return false;
}

/* How many characters stand between `p` and its line's end; of more than the limit some are enough. */
static size_t rest_of_line(const uint8_t *p, const uint8_t *end) {
  size_t seen = 0;
  for (const uint8_t *at = p; at < end && *at != '\n' && seen <= LINE_LIMIT; at++)
    if (*at != '\r') seen = (size_t)(at - p) + 1;
  return seen;
}

/* The column behind p[0..end), which begins at `column`. */
static size_t column_after(size_t column, const uint8_t *p, const uint8_t *end) {
  for (const uint8_t *at = end; at > p; at--)
    if (at[-1] == '\n') return (size_t)(end - at);
  return column + (size_t)(end - p);
}

/* Where output goes, and the column there. */
typedef struct {
  uint8_t *at;
  size_t column;
  bool crlf;
} output;

static void copy(output *out, const uint8_t *p, const uint8_t *end) {
  if (p == end) return;
  memcpy(out->at, p, (size_t)(end - p));
  out->at += end - p;
  out->column = column_after(out->column, p, end);
}

static void write_soft_break(output *out) {
  *out->at++ = '=';
  if (out->crlf) *out->at++ = '\r';
  *out->at++ = '\n';
  out->column = 0;
}

static bool is_literal(uint8_t c) { return c > ' ' && c < 0x7F && c != '='; }

static size_t encoded_size(const uint8_t *value, size_t length) {
  size_t size = 3 * length;
  for (size_t i = 0; i < length; i++) size -= is_literal(value[i]) ? 2 : 0;
  return size;
}

/* The value encoded, with soft breaks where it and the `tail` characters behind it would pass the limit. */
static void write_encoded(output *out, const uint8_t *value, size_t length, size_t tail) {
  static const char DIGITS[] = "0123456789ABCDEF";
  size_t left = encoded_size(value, length);
  if (length == 0 && out->column + tail > LINE_LIMIT) write_soft_break(out);
  for (size_t i = 0; i < length;) {
    bool breaks = out->column + left + tail > LINE_LIMIT;
    for (; i < length; i++) {
      size_t size = is_literal(value[i]) ? 1 : 3;
      if (breaks && out->column + size > LINE_LIMIT - 1) break;
      if (size == 3) *out->at++ = '=';
      if (size == 3) *out->at++ = (uint8_t)DIGITS[value[i] >> 4];
      *out->at++ = size == 3 ? (uint8_t)DIGITS[value[i] & 15] : value[i];
      out->column += size;
      left -= size;
    }
    if (breaks) write_soft_break(out);
  }
}

size_t lw_qp_splice_bound(size_t n, const lw_replacement *replacements, size_t count) {
  size_t room = n;
  for (size_t i = 0; i < count; i++) {
    size_t encoded = 3 * replacements[i].length;
    room += encoded + 3 * (encoded / LEAST_FILLED + 3); /* a soft break has up to three bytes */
  }
  return room;
}

size_t lw_qp_splice(const uint8_t *src, size_t n, bool crlf, const lw_replacement *replacements, size_t count,
                    uint8_t *out, uint8_t *applied) {
  const uint8_t *end = src + n, *copied = src;
  position here = {src, 0};
  output to = {out, 0, crlf};
  for (size_t i = 0; i < count; i++) {
    advance_to(&here, replacements[i].start, end);
    const uint8_t *start = here.at, *stop = start;
    if (replacements[i].end > replacements[i].start) {
      advance_to(&here, replacements[i].end - 1, end);
      stop = here.at + (here.at == end ? 0 : *here.at == '=' && end - here.at >= 3 ? 3 : 1);
    }
    applied[i] = !has_trailing_space(start, stop);
    if (!applied[i]) continue;
    copy(&to, copied, start);
    write_encoded(&to, replacements[i].value, replacements[i].length, rest_of_line(stop, end));
    copied = stop;
  }
  if (copied != end) memcpy(to.at, copied, (size_t)(end - copied));
  return (size_t)(to.at - out) + (size_t)(end - copied);
}
