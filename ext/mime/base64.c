/* base64.c: see base64.h. Groups are taken by four characters as long as nothing else stands between them. */
#include "base64.h"

#include <string.h>

static const uint8_t ALPHABET[64] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};

enum { VALID = 64 }; /* the bit that tells a character of the alphabet, whose six bits stand beside it */

#define SIX(c, n) [c] = VALID | (n), [(c) + 1] = VALID | ((n) + 1)
#define SIX4(c, n) SIX(c, n), SIX((c) + 2, (n) + 2)
#define SIX8(c, n) SIX4(c, n), SIX4((c) + 4, (n) + 4)
static const uint8_t SEXTETS[256] = {
    SIX8('A', 0), SIX8('I', 8), SIX8('Q', 16), SIX('Y', 24), SIX8('a', 26), SIX8('i', 34), SIX8('q', 42), SIX('y', 50),
    SIX8('0', 52), SIX('8', 60), ['+'] = VALID | 62, ['/'] = VALID | 63,
};

static const uint8_t *skip_space(const uint8_t *p, const uint8_t *end) {
  while (p < end && lw_base64_is_space(*p)) p++;
  return p;
}

static size_t read_groups(const uint8_t *src, size_t n, uint8_t *out) {
  size_t groups = 0;
  for (; n >= 4; n -= 4, src += 4, out += 3, groups++) {
    uint32_t a = SEXTETS[src[0]], b = SEXTETS[src[1]], c = SEXTETS[src[2]], d = SEXTETS[src[3]];
    if (!(a & b & c & d & VALID)) break;
    out[0] = (uint8_t)(a << 2 | (b & 63) >> 4); /* the VALID bits are shifted out or masked */
    out[1] = (uint8_t)(b << 4 | (c & 63) >> 2);
    out[2] = (uint8_t)(c << 6 | (d & 63));
  }
  return groups;
}

/* Whatever stands between four characters is skipped; returns their number, less than four at the end. */
static size_t next_group(const uint8_t **src, const uint8_t *end, uint8_t four[4]) {
  size_t held = 0;
  for (const uint8_t *p = *src; held < 4 && p < end; *src = ++p)
    if (!lw_base64_is_space(*p)) four[held++] = *p;
  return held;
}

/* The last group, of which "=" or "==" is part: its number of bytes, SIZE_MAX when it is wrong. */
static size_t read_last(const uint8_t four[4], uint8_t *out) {
  size_t bytes = four[3] != '=' ? 3 : four[2] != '=' ? 2 : 1;
  uint8_t whole[4] = {four[0], four[1], bytes > 1 ? four[2] : 'A', bytes > 2 ? four[3] : 'A'}, three[3];
  if (bytes == 3 || read_groups(whole, 4, three) != 1) return SIZE_MAX;
  memcpy(out, three, bytes);
  return bytes;
}

size_t lw_base64_decode(const uint8_t *src, size_t n, lw_base64_reader read, uint8_t *out) {
  const uint8_t *p = src, *end = src + n;
  uint8_t *begin = out, four[4];
  for (;;) {
    if (read) read(&p, end, &out);
    size_t groups = read_groups(p, (size_t)(end - p), out);
    p += 4 * groups;
    out += 3 * groups;
    if (p < end && lw_base64_is_space(*p)) {
      p = skip_space(p, end);
      continue;
    }
    size_t held = next_group(&p, end, four);
    if (held == 0) return (size_t)(out - begin);
    if (held < 4) return SIZE_MAX;
    if (read_groups(four, 4, out) == 1) {
      out += 3;
      continue;
    }
    size_t bytes = read_last(four, out);
    return bytes == SIZE_MAX || skip_space(p, end) != end ? SIZE_MAX : (size_t)(out - begin) + bytes;
  }
}

size_t lw_base64_offset_after(const uint8_t *src, size_t n, size_t count) {
  size_t at = 0;
  for (; count && at < n; at++) count -= !lw_base64_is_space(src[at]);
  return at;
}

/* How many characters fill the first line up. */
static size_t first_line(const lw_base64_lines *lines) {
  return lines->column < lines->width ? (lines->width - lines->column) / 4 * 4 : 0;
}

size_t lw_base64_encoded_length(size_t n, const lw_base64_lines *lines) {
  size_t characters = (n + 2) / 3 * 4, first = first_line(lines);
  if (characters <= first) return characters;
  size_t breaks = (characters - first + lines->width - 1) / lines->width;
  return characters + breaks * (lines->crlf ? 2 : 1);
}

static void write_groups(const uint8_t *src, size_t n, uint8_t *out) {
  for (; n >= 3; n -= 3, src += 3, out += 4) {
    uint32_t three = (uint32_t)src[0] << 16 | (uint32_t)src[1] << 8 | src[2];
    out[0] = ALPHABET[three >> 18];
    out[1] = ALPHABET[three >> 12 & 63];
    out[2] = ALPHABET[three >> 6 & 63];
    out[3] = ALPHABET[three & 63];
  }
  if (n == 0) return;
  uint32_t rest = (uint32_t)src[0] << 16 | (n == 2 ? (uint32_t)src[1] << 8 : 0);
  out[0] = ALPHABET[rest >> 18];
  out[1] = ALPHABET[rest >> 12 & 63];
  out[2] = n == 2 ? ALPHABET[rest >> 6 & 63] : '=';
  out[3] = '=';
}

/* Departure: all characters are written at once, at the end of the room, and then moved to their lines; a line is too
 * short to be worth a vector loop of its own. */
size_t lw_base64_encode(const uint8_t *src, size_t n, const lw_base64_lines *lines, lw_base64_writer write,
                        uint8_t *out) {
  size_t room = lw_base64_encoded_length(n, lines), left = (n + 2) / 3 * 4;
  uint8_t *text = out + (room - left);
  size_t done = write ? write(src, n, text) : 0;
  write_groups(src + 3 * done, n - 3 * done, text + 4 * done);
  for (size_t line = first_line(lines); left > line; line = lines->width) {
    memmove(out, text, line);
    text += line;
    left -= line;
    out += line;
    if (lines->crlf) *out++ = '\r';
    *out++ = '\n';
  }
  return room;
}
