/* destination_class.c: from a tag's href to an outcome. See destination_class.h;
 * the terms are those of the link rules. */
#include "destination_class.h"

#include <string.h>

#include "ipv6.h"
#include "template_marker.h"
#include "charrefs.h"

size_t lw_scratch_bound(size_t n) { return lw_decoded_bound(n); }

typedef struct {
  const uint8_t *from, *to;
} range;

/* Classes of bytes that need a closer look; nearly all values have none of them. */
enum { CONTROL = 1, AMPERSAND = 2, LESS = 4, MARKER = 8, HIGH = 16, COLON = 32, DASH = 64 };

#define C4 CONTROL, CONTROL, CONTROL, CONTROL
#define H16 HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH
static const uint8_t BYTE_CLASS[256] = {
    C4, C4, C4, C4, C4, C4, C4, C4,
    ['&'] = AMPERSAND, ['<'] = LESS | MARKER, ['{'] = MARKER, ['*'] = MARKER, ['['] = MARKER,
    ['%'] = MARKER, ['$'] = MARKER, ['#'] = MARKER, ['-'] = DASH, [':'] = COLON,
    [0x80] = H16, H16, H16, H16, H16, H16, H16, H16,
};

static uint8_t byte_classes_in(range r) {
  uint8_t classes = 0;
  const uint8_t *p = r.from;
  for (; r.to - p >= 4; p += 4) classes |= BYTE_CLASS[p[0]] | BYTE_CLASS[p[1]] | BYTE_CLASS[p[2]] | BYTE_CLASS[p[3]];
  for (; p < r.to; p++) classes |= BYTE_CLASS[*p];
  return classes;
}

/* The scheme's colon says nothing: a marker of colons ends behind it. */
static uint8_t byte_classes(range r) {
  range scheme = {r.from, r.to - r.from < 8 ? r.to : r.from + 8};
  uint8_t head = byte_classes_in(scheme) & (uint8_t)~COLON, tail = byte_classes_in((range){scheme.to, r.to});
  return head | tail;
}

/* A NUL byte is U+FFFD to the tokenizer (HTML, 13.2.5.36): it is not stripped and may stand in a host. */
static bool is_stripped(uint8_t c) { return c <= ' ' && c != 0; }

/* What the URL standard strips: C0 controls and spaces at both ends, TAB LF CR everywhere. Copies into `out`
 * only where there are controls at all. `out` may be where `r` lies. */
static range strip(range r, uint8_t classes, uint8_t *out) {
  while (r.from < r.to && is_stripped(*r.from)) r.from++;
  while (r.from < r.to && is_stripped(r.to[-1])) r.to--;
  if (!(classes & CONTROL)) return r;
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

static bool is_forbidden_in_host(uint8_t c) {
  return is_stripped(c) || c == 0x7F || c == '<' || c == '>' || c == '[' || c == ']' || c == '^' || c == '|';
}

/* How far a host of letters, digits, '-' and '.' reaches: nearly all of them, and there is nothing to find in it. */
static const uint8_t *skip_plain_host(const uint8_t *p, const uint8_t *end) {
  while (p < end && (lw_is_alpha(*p) || lw_is_digit(*p) || *p == '.' || *p == '-')) p++;
  return p;
}

static bool is_authority_end(uint8_t c) { return c == '/' || c == '\\' || c == '?' || c == '#'; }

/* What stands behind the last '@', or all of it. */
static range host_and_port(range authority) {
  range host = authority;
  for (const uint8_t *p = authority.from; p < authority.to; p++)
    if (*p == '@') host.from = p + 1;
  return host;
}

/* Where the host ends: before the ':' of its port, or at the end. */
static const uint8_t *host_end(range host) {
  size_t literal = lw_ipv6_literal(host.from, host.to);
  if (literal) return host.from + literal;
  const uint8_t *colon = memchr(host.from, ':', (size_t)(host.to - host.from));
  return colon ? colon : host.to;
}

static bool is_valid_authority(range authority) {
  range host = host_and_port(authority);
  for (const uint8_t *p = authority.from; p < host.from; p++)
    if (lw_bracketed_name(p, host.from)) return false;
  size_t literal = lw_ipv6_literal(host.from, host.to);
  for (const uint8_t *p = host.from + literal; p < host.to; p++)
    if (is_forbidden_in_host(*p)) return false;
  return host_end(host) > host.from;
}

/* Classify the authority, from behind "//": LW_TRACKED, LW_PLACEHOLDER or LW_NO_HOST. `*end` is where it ends;
 * `*plain`: it is a bare host name. */
static lw_outcome classify_authority(range destination, size_t scheme, uint8_t classes, const uint8_t **end,
                                     bool *plain) {
  range authority = {destination.from + scheme, skip_plain_host(destination.from + scheme, destination.to)};
  const uint8_t *p = authority.to;
  *plain = p > authority.from && (p == destination.to || (is_authority_end(*p) && *p != '#'));
  while (p < destination.to && !is_authority_end(*p)) p++;
  *end = authority.to = p;
  if (*plain) return LW_TRACKED;
  if (classes & (MARKER | COLON) && lw_marker_in_authority(authority.from, authority.to, destination.to))
    return LW_PLACEHOLDER;
  return is_valid_authority(authority) ? LW_TRACKED : LW_NO_HOST;
}

/* No browser opens it: a port that is no number up to 65535. */
static bool is_invalid_port(const uint8_t *p, const uint8_t *end) {
  uint32_t number = 0;
  for (; p < end; p++) {
    if (!lw_is_digit(*p)) return true;
    number = number * 10 + (uint32_t)(*p - '0');
    if (number > 65535) return true;
  }
  return false;
}

static uint8_t find_warnings(range authority, bool plain) {
  range host = plain ? authority : host_and_port(authority);
  const uint8_t *end = plain ? authority.to : host_end(host);
  size_t n = (size_t)(end - host.from);
  uint8_t found = 0;
  if (end < host.to && is_invalid_port(end + 1, host.to)) found |= LW_WARN_PORT;
  if ((n == 4 || n == 5) && lw_equals_nocase(host.from, "https", n)) found |= LW_WARN_SCHEME;
  return found;
}

static bool contains_control(range r) {
  for (const uint8_t *p = r.from; p < r.to; p++)
    if (*p < ' ' && *p != 0) return true;
  return false;
}

/* The rules of `malformed` that apply to the raw value. */
static bool is_malformed(range raw) {
  size_t n = (size_t)(raw.to - raw.from);
  return memchr(raw.from, '<', n) != NULL || memchr(raw.from, 0, n) != NULL || lw_has_nul_charref(raw.from, n);
}

/* `classes`: of the raw value and of the destination together. */
static lw_outcome classify_destination(range raw, range destination, uint8_t classes, const lw_options *options,
                                       uint8_t *warnings) {
  bool may_lead = destination.from < destination.to && BYTE_CLASS[*destination.from] & (MARKER | COLON);
  if (may_lead && lw_starts_with_marker(destination.from, destination.to)) return LW_PLACEHOLDER;
  size_t scheme = scheme_length(destination);
  if (scheme == 0) return LW_NOT_HTTP;
  const uint8_t *path;
  bool plain;
  lw_outcome authority = classify_authority(destination, scheme, classes, &path, &plain);
  if (authority != LW_TRACKED) return authority;
  if (classes & (CONTROL | LESS | AMPERSAND) && (is_malformed(raw) || contains_control(destination)))
    return LW_MALFORMED;
  *warnings = find_warnings((range){destination.from + scheme, path}, plain);
  if ((classes & (MARKER | COLON) || (classes & DASH && lw_may_have_dash_marker(path, destination.to))) &&
      lw_marker_after_host(path, destination.to)) {
    *warnings |= LW_WARN_MARKER;
    if (!options->track_placeholders) return LW_PLACEHOLDER;
  }
  return destination.to - destination.from > LW_MAX_DESTINATION_BYTES ? LW_TOO_LONG_DESTINATION : LW_TRACKED;
}

void lw_classify_value(const uint8_t *value, size_t length, const lw_options *options, uint8_t *scratch,
                    lw_classification *out) {
  range raw = {value, value + length}, destination = raw;
  uint8_t classes = byte_classes(raw);
  *out = (lw_classification){.ascii = !(classes & HIGH)};
  if (classes & AMPERSAND) {
    size_t n = lw_decode_charrefs(value, length, scratch);
    destination = (range){scratch, scratch + n};
    classes |= byte_classes(destination);
  }
  destination = strip(destination, classes, scratch);
  out->destination = destination.from;
  out->length = (size_t)(destination.to - destination.from);
  out->outcome = (uint8_t)classify_destination(raw, destination, classes, options, &out->warnings);
}

void lw_classify(const lw_span *span, const uint8_t *bytes, const lw_options *options, uint8_t *scratch,
              lw_classification *out) {
  const lw_tag *tag = &span->tag;
  *out = (lw_classification){.ascii = true};
  if (span->kind == LW_SPAN_UNTERMINATED) {
    out->outcome = LW_UNTERMINATED;
    return;
  }
  if (span->kind == LW_SPAN_TOO_LONG) {
    out->outcome = LW_TOO_LONG;
    return;
  }
  if (tag->quoted)
    lw_classify_value(bytes + tag->value, (size_t)(tag->value_end - tag->value), options, scratch, out);
  if (!tag->has_href) out->outcome = LW_NO_HREF;
  else if (tag->opted_out) out->outcome = LW_OPTED_OUT;
  else if (!tag->quoted) out->outcome = LW_UNQUOTED;
  else if (tag->equals_spaced) out->outcome = LW_SPACED_EQUALS;
}
