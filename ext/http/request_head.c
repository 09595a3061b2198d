/* request_head.c: see request_head.h. Section numbers are those of RFC 9112 and, for the grammar, RFC 9110. */
#include "request_head.h"

#include <string.h>

typedef struct {
  const uint8_t *at, *end;
} cursor;

static int is_alphanumeric(uint8_t byte) {
  return (uint8_t)(byte - '0') < 10 || (uint8_t)((byte | 0x20) - 'a') < 26;
}

/* `tchar` (RFC 9110 section 5.6.2) */
static int is_token_byte(uint8_t byte) {
  return is_alphanumeric(byte) || (byte && memchr("!#$%&'*+-.^_`|~", byte, 15) != NULL);
}

/* Unreserved characters (RFC 3986 section 2.3) and slashes: what means the same however it is decoded. */
static int is_path_byte(uint8_t byte) {
  return is_alphanumeric(byte) || byte == '-' || byte == '_' || byte == '/' || byte == '.' || byte == '~';
}

static int is_visible(uint8_t byte) { return byte > 0x20 && byte < 0x7f; }

static int is_blank(uint8_t byte) { return byte == ' ' || byte == '\t'; }

/* `field-vchar` (RFC 9110 section 5.5) with obs-text, and the white space between them */
static int is_value_byte(uint8_t byte) { return byte >= 0x20 ? byte != 0x7f : byte == '\t'; }

static int skip(cursor *in, const char *text, size_t n) {
  if ((size_t)(in->end - in->at) < n || memcmp(in->at, text, n) != 0) return 0;
  in->at += n;
  return 1;
}

static lw_head_part take_while(cursor *in, int (*belongs)(uint8_t)) {
  lw_head_part span = {in->at, 0};
  while (in->at < in->end && belongs(*in->at)) in->at++;
  span.length = (size_t)(in->at - span.at);
  return span;
}

/* Is the span this lower-case text, in letters of any case? */
static int equals(lw_head_part span, const char *text) {
  if (span.length != strlen(text)) return 0;
  for (size_t i = 0; i < span.length; i++) {
    uint8_t byte = span.at[i];
    if (((uint8_t)(byte - 'A') < 26 ? byte | 0x20 : byte) != (uint8_t)text[i]) return 0;
  }
  return 1;
}

/* section 3 */
static int parse_request_line(cursor *in, lw_request_head *head) {
  head->is_head = skip(in, "HEAD ", 5);
  if (!head->is_head && !skip(in, "GET ", 4)) return 0;
  head->path = take_while(in, is_path_byte);
  if (!head->path.length || head->path.at[0] != '/') return 0;
  if (skip(in, "?", 1)) take_while(in, is_visible);
  if (!skip(in, " HTTP/1.", 8)) return 0;
  head->minor = skip(in, "1", 1);
  return (head->minor || skip(in, "0", 1)) && skip(in, "\r\n", 2);
}

/* section 5: a line with no white space before the colon, which ends in CR LF */
static int parse_field(cursor *in, lw_head_part *name, lw_head_part *value) {
  *name = take_while(in, is_token_byte);
  if (!name->length || !skip(in, ":", 1)) return 0;
  take_while(in, is_blank);
  *value = take_while(in, is_value_byte);
  while (value->length && is_blank(value->at[value->length - 1])) value->length--;
  return skip(in, "\r\n", 2);
}

/* What frames the message or the connection (sections 6 and 9); 0 for all but the plainest. */
static int check_field(lw_request_head *head, lw_head_part name, lw_head_part value, int *hosts, int *connections) {
  switch (name.length) {
  case 4:
    if (equals(name, "host")) return !(*hosts)++;
    return 1;
  case 6:
    return !equals(name, "expect");
  case 7:
    return !equals(name, "upgrade");
  case 10:
    if (!equals(name, "connection")) return 1;
    if (equals(value, "close")) head->closes = 1;
    else if (!equals(value, "keep-alive")) return 0;
    return !(*connections)++;
  case 14:
    return !equals(name, "content-length");
  case 17:
    return !equals(name, "transfer-encoding");
  default:
    return 1;
  }
}

size_t lw_request_head_parse(const uint8_t *bytes, size_t n, lw_request_head *head) {
  cursor in = {bytes, bytes + (n < LW_HEAD_MAX_BYTES ? n : LW_HEAD_MAX_BYTES)};
  int hosts = 0, connections = 0;
  head->fields = 0;
  head->closes = 0;
  if (!parse_request_line(&in, head)) return 0;
  while (!skip(&in, "\r\n", 2)) {
    if (head->fields == LW_HEAD_MAX_FIELDS) return 0;
    lw_head_part *name = &head->names[head->fields], *value = &head->values[head->fields];
    if (!parse_field(&in, name, value) || !check_field(head, *name, *value, &hosts, &connections)) return 0;
    head->fields++;
  }
  if (!head->minor) head->closes = 1; /* section 9.3: HTTP/1.0 has no connections that persist, here */
  if (head->minor && !hosts) return 0; /* section 3.2 */
  return (size_t)(in.at - bytes);
}
