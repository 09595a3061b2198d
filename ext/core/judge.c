/* judge.c: from a tag's href to an outcome. See judge.h; the words are those of the link rules. */
#include "judge.h"

#include <string.h>

#include "refs.h"

size_t lw_scratch_bound(size_t n) { return lw_decoded_bound(n); }

typedef struct {
  const uint8_t *from, *to;
} range;

static bool marker_at(const uint8_t *p, const uint8_t *end) {
  uint8_t next = p + 1 < end ? p[1] : 0;
  switch (*p) {
    case '{': return true; /* also the first half of "{{" and "{%" */
    case '*': return next == '|';
    case '[': return next == '[' || next == '%';
    case '%': return next == '%';
    case '<': return next == '%';
    case '$': case '#': return next == '{';
    default: return false;
  }
}

static bool marker_in(const uint8_t *p, const uint8_t *end) {
  for (; p < end; p++)
    if (marker_at(p, end)) return true;
  return false;
}

/* Kinds of bytes that make a closer look necessary; nearly all values hold none of them. */
enum { CONTROL = 1, AMPERSAND = 2, LESS = 4, MARKER = 8, HIGH = 16 };

#define C4 CONTROL, CONTROL, CONTROL, CONTROL
#define H16 HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH
static const uint8_t KIND[256] = {
    C4, C4, C4, C4, C4, C4, C4, C4,
    ['&'] = AMPERSAND, ['<'] = LESS | MARKER, ['{'] = MARKER, ['*'] = MARKER, ['['] = MARKER,
    ['%'] = MARKER, ['$'] = MARKER, ['#'] = MARKER,
    [0x80] = H16, H16, H16, H16, H16, H16, H16, H16,
};

static uint8_t kinds_of(range r) {
  uint8_t kinds = 0;
  const uint8_t *p = r.from;
  for (; r.to - p >= 4; p += 4) kinds |= KIND[p[0]] | KIND[p[1]] | KIND[p[2]] | KIND[p[3]];
  for (; p < r.to; p++) kinds |= KIND[*p];
  return kinds;
}

/* A NUL byte is U+FFFD to the tokenizer (HTML, 13.2.5.36): it is not stripped and may stand in a host. */
static bool is_stripped(uint8_t c) { return c <= ' ' && c != 0; }

/* What the URL standard strips: C0 controls and spaces at both ends, TAB LF CR everywhere. Copies into `out`
 * only where there are controls at all. `out` may be where `r` lies. */
static range strip(range r, uint8_t kinds, uint8_t *out) {
  while (r.from < r.to && is_stripped(*r.from)) r.from++;
  while (r.from < r.to && is_stripped(r.to[-1])) r.to--;
  if (!(kinds & CONTROL)) return r;
  size_t n = 0;
  for (const uint8_t *p = r.from; p < r.to; p++)
    if (*p != '\t' && *p != '\n' && *p != '\r') out[n++] = *p;
  return (range){out, out + n};
}

static size_t scheme_length(range r) {
  size_t n = (size_t)(r.to - r.from);
  if (n >= 7 && lw_equals_nocase(r.from, "http://", 7)) return 7;
  if (n >= 8 && lw_equals_nocase(r.from, "https://", 8)) return 8;
  return 0;
}

static bool forbidden_in_host(uint8_t c) {
  return is_stripped(c) || c == 0x7F || c == '<' || c == '>' || c == '[' || c == ']' || c == '^' || c == '|';
}

/* Length of the IPv6 literal at the start of the host, or 0. */
static size_t ipv6_literal(range host) {
  const uint8_t *p = host.from;
  if (p == host.to || *p != '[') return 0;
  for (p++; p < host.to && !forbidden_in_host(*p); p++) continue;
  bool closed = p < host.to && *p == ']' && p > host.from + 1;
  return closed && (p + 1 == host.to || p[1] == ':') ? (size_t)(p + 1 - host.from) : 0;
}

/* How far a host of letters, digits, '-' and '.' reaches: nearly all of them, and there is nothing to find in it. */
static const uint8_t *plain_host(const uint8_t *p, const uint8_t *end) {
  while (p < end && (lw_is_alpha(*p) || lw_is_digit(*p) || *p == '.' || *p == '-')) p++;
  return p;
}

static bool ends_authority(uint8_t c) { return c == '/' || c == '\\' || c == '?' || c == '#'; }

static bool host_is_usable(range authority) {
  range host = authority;
  for (const uint8_t *p = authority.from; p < authority.to; p++)
    if (*p == '@') host.from = p + 1;
  if (ipv6_literal(host)) return true;
  const uint8_t *p = host.from;
  while (p < host.to && *p != ':') {
    if (forbidden_in_host(*p)) return false;
    p++;
  }
  return p > host.from;
}

/* Judge the authority, from behind "//": LW_TRACKED, LW_PLACEHOLDER or LW_NO_HOST. `*end` is where it ends. */
static lw_outcome judge_authority(range destination, size_t scheme, uint8_t kinds, const uint8_t **end) {
  range authority = {destination.from + scheme, plain_host(destination.from + scheme, destination.to)};
  const uint8_t *p = authority.to;
  bool plain = p > authority.from && (p == destination.to || (ends_authority(*p) && *p != '#'));
  while (p < destination.to && !ends_authority(*p)) p++;
  *end = authority.to = p;
  if (plain) return LW_TRACKED;
  if (kinds & MARKER)
    for (p = authority.from; p <= authority.to && p < destination.to; p++)
      if (marker_at(p, destination.to)) return LW_PLACEHOLDER;
  return host_is_usable(authority) ? LW_TRACKED : LW_NO_HOST;
}

static bool holds_control(range r) {
  for (const uint8_t *p = r.from; p < r.to; p++)
    if (*p < ' ' && *p != 0) return true;
  return false;
}

/* Rules of `malformed` that look at the value as it stands in the document. */
static bool raw_is_malformed(range raw) {
  size_t n = (size_t)(raw.to - raw.from);
  return memchr(raw.from, '<', n) != NULL || memchr(raw.from, 0, n) != NULL || lw_refers_to_nul(raw.from, n);
}

/* `kinds`: of the raw value and of the destination together. */
static lw_outcome judge_destination(range raw, range destination, uint8_t kinds, const lw_switches *switches,
                                    bool *marker) {
  if (destination.from < destination.to && marker_at(destination.from, destination.to)) return LW_PLACEHOLDER;
  size_t scheme = scheme_length(destination);
  if (scheme == 0) return LW_NOT_HTTP;
  const uint8_t *path;
  lw_outcome authority = judge_authority(destination, scheme, kinds, &path);
  if (authority != LW_TRACKED) return authority;
  if (kinds & (CONTROL | LESS | AMPERSAND) && (raw_is_malformed(raw) || holds_control(destination))) return LW_MALFORMED;
  *marker = kinds & MARKER && marker_in(path, destination.to);
  return *marker && !switches->track_placeholders ? LW_PLACEHOLDER : LW_TRACKED;
}

void lw_judge_value(const uint8_t *value, size_t length, const lw_switches *switches, uint8_t *scratch,
                    lw_verdict *out) {
  range raw = {value, value + length}, destination = raw;
  uint8_t kinds = kinds_of(raw);
  *out = (lw_verdict){.ascii = !(kinds & HIGH)};
  if (kinds & AMPERSAND) {
    size_t n = lw_decode(value, length, scratch);
    destination = (range){scratch, scratch + n};
    kinds |= kinds_of(destination);
  }
  destination = strip(destination, kinds, scratch);
  out->destination = destination.from;
  out->length = (size_t)(destination.to - destination.from);
  out->outcome = (uint8_t)judge_destination(raw, destination, kinds, switches, &out->template_marker);
}

void lw_judge(const lw_span *span, const uint8_t *bytes, const lw_switches *switches, uint8_t *scratch,
              lw_verdict *out) {
  const lw_tag *tag = &span->tag;
  *out = (lw_verdict){.ascii = true};
  if (span->shape == LW_CUT) {
    out->outcome = LW_UNTERMINATED;
    return;
  }
  if (span->shape == LW_TAG_TOO_LONG) {
    out->outcome = LW_TOO_LONG;
    return;
  }
  if (tag->quoted)
    lw_judge_value(bytes + tag->value, (size_t)(tag->value_end - tag->value), switches, scratch, out);
  if (!tag->has_href) out->outcome = LW_NO_HREF;
  else if (tag->opted_out) out->outcome = LW_OPTED_OUT;
  else if (!tag->quoted) out->outcome = LW_UNQUOTED;
  else if (tag->spaced) out->outcome = LW_SPACED_EQUALS;
}
