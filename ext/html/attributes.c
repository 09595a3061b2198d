/* attributes.c: the exact attribute lexer. See attributes.h. */
#include "attributes.h"

#include <string.h>

#include "charrefs.h"

enum { SPACE = 1, SLASH = 2, GREATER = 4, EQUALS = 8 };

static const uint8_t CLASS[256] = {
    ['\t'] = SPACE, ['\n'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE,
    [' '] = SPACE,  ['/'] = SLASH,  ['>'] = GREATER, ['='] = EQUALS,
};

typedef struct {
  const uint8_t *name, *name_end;
  const uint8_t *value, *value_end; /* NULL: no value */
  bool quoted, equals_spaced;
} attribute;

static const char NO_TRACK[] = "data-as-no-track";

/* Does the decoded, trimmed value equal the lower-case text, ASCII case aside? Values that could only match with
 * an absurd number of references are longer than the buffer and do not match. */
static bool value_equals(const attribute *a, const lw_opt_out *wanted) {
  uint8_t decoded[512];
  if (a->value == NULL) return wanted->value_length == 0;
  size_t raw = (size_t)(a->value_end - a->value);
  if (lw_decoded_bound(raw) > sizeof decoded) return false;
  size_t n = lw_decode_charrefs(a->value, raw, decoded);
  const uint8_t *p = decoded, *end = decoded + n;
  while (p < end && lw_is_space(*p)) p++;
  while (p < end && lw_is_space(end[-1])) end--;
  return (size_t)(end - p) == wanted->value_length && lw_equals_nocase(p, wanted->value, wanted->value_length);
}

/* Does this attribute exclude the link? `seen` holds a bit for each configured name that came before. */
static bool opts_out(const attribute *a, const lw_options *options, uint32_t *seen) {
  size_t n = (size_t)(a->name_end - a->name);
  if (n == sizeof NO_TRACK - 1 && lw_equals_nocase(a->name, NO_TRACK, n)) return true;
  bool out = false;
  for (size_t i = 0; i < options->opt_out_count; i++) {
    const lw_opt_out *wanted = &options->opt_out[i];
    if (n != wanted->name_length || !lw_equals_nocase(a->name, wanted->name, n)) continue;
    if (wanted->value == NULL || (!(*seen >> i & 1) && value_equals(a, wanted))) out = true;
    *seen |= UINT32_C(1) << i;
  }
  return out;
}

/* Read one attribute at `p`, which is no white space, '/' or '>'. NULL: the end came first. */
static const uint8_t *read_attribute(const uint8_t *p, const uint8_t *end, attribute *a) {
  *a = (attribute){.name = p};
  p++; /* even '=': at this place it begins a name (HTML, 13.2.5.32) */
  while (p < end && !CLASS[*p]) p++;
  a->name_end = p;
  while (p < end && CLASS[*p] == SPACE) p++;
  if (p == end) return NULL;
  if (*p != '=') return p;
  a->equals_spaced = p != a->name_end;
  const uint8_t *after = ++p;
  while (p < end && CLASS[*p] == SPACE) p++;
  if (p == end) return NULL;
  if (*p == '>') return p; /* a missing value */
  a->equals_spaced |= p != after;
  a->quoted = *p == '"' || *p == '\'';
  if (a->quoted) {
    a->value = p + 1;
    a->value_end = memchr(p + 1, *p, (size_t)(end - p - 1));
    return a->value_end ? a->value_end + 1 : NULL;
  }
  a->value = p;
  while (p < end && !(CLASS[*p] & (SPACE | GREATER))) p++;
  a->value_end = p;
  return p;
}

const uint8_t *lw_parse_attributes(const uint8_t *tag, const uint8_t *p, const uint8_t *end, const lw_options *options,
                      lw_tag *out) {
  uint32_t seen = 0;
  *out = (lw_tag){0};
  for (;;) {
    const uint8_t *from = p;
    while (p < end && CLASS[*p] & (SPACE | SLASH)) p++;
    if (p == end) return NULL;
    if (*p == '>') {
      out->self_closing = p > from && p[-1] == '/'; /* not the slash of an unquoted value */
      return p + 1;
    }
    attribute a;
    p = read_attribute(p, end, &a);
    if (p == NULL) return NULL;
    if (!out->has_href && a.name_end - a.name == 4 && lw_equals_nocase(a.name, "href", 4)) {
      out->has_href = true;
      out->quoted = a.quoted;
      out->equals_spaced = a.equals_spaced;
      out->value = a.value ? (uint64_t)(a.value - tag) : 0;
      out->value_end = a.value ? (uint64_t)(a.value_end - tag) : 0;
    }
    out->opted_out |= opts_out(&a, options, &seen);
  }
}
