/* tag.c: from '<' to the '>' that ends the tag, resumable at any byte (HTML, 13.2.5.6-40). */
#include <string.h>

#include "namespace.h"
#include "tokenizer_states.h"

static void begin_tag(lw_doc *doc, uint64_t start, bool end_tag) {
  doc->tag_start = start;
  doc->end_tag = end_tag;
  doc->hash = LW_HASH_SEED;
  doc->name_length = doc->self_closing = doc->watch = doc->font_breaks = doc->encoding_seen = 0;
  doc->attribute_length = doc->value_length = 0;
}

static void add_to_name(lw_doc *doc, uint8_t c) {
  c = lw_lower(c);
  doc->hash = lw_hash_byte(doc->hash, c);
  if (doc->name_length < LW_NAME_MAX) doc->name[doc->name_length] = c;
  if (doc->name_length < UINT8_MAX) doc->name_length++;
}

/* font's and annotation-xml's attributes decide about namespaces. Called when an attribute's name is complete. */
static void end_attribute_name(lw_doc *doc) {
  size_t n = doc->attribute_length;
  if (n == 8 && lw_equals_nocase(doc->attribute, "encoding", n)) {
    doc->watch = doc->encoding_seen ? 1 : 2; /* 2: its value is being read; the first one counts */
    doc->encoding_seen = 1;
  }
  if ((n == 5 && lw_equals_nocase(doc->attribute, "color", n)) ||
      (n == 4 && (lw_equals_nocase(doc->attribute, "face", n) || lw_equals_nocase(doc->attribute, "size", n))))
    doc->font_breaks = 1;
}

static void watch_name(lw_doc *doc, const uint8_t *p, const uint8_t *stop) {
  for (; p < stop; p++) {
    if (doc->attribute_length < LW_NAME_MAX) doc->attribute[doc->attribute_length] = *p;
    if (doc->attribute_length < UINT8_MAX) doc->attribute_length++;
  }
}

static void watch_value(lw_doc *doc, const uint8_t *p, const uint8_t *stop) {
  if (doc->watch != 2) return;
  for (; p < stop; p++) {
    if (doc->value_length < LW_VALUE_MAX) doc->value[doc->value_length] = *p;
    if (doc->value_length < UINT8_MAX) doc->value_length++;
  }
}

static void emit(lw_doc *doc, const lw_run_context *run, uint64_t end, lw_element element, const lw_tag *tag) {
  lw_span *span = &run->out->spans[run->out->count++];
  *span = (lw_span){.start = doc->tag_start, .end = end, .element = (uint8_t)element};
  if (end - doc->tag_start > run->switches->tag_limit) {
    span->shape = LW_TAG_TOO_LONG;
  } else if (tag) {
    span->shape = LW_LEXED;
    span->tag = *tag;
  } else {
    span->shape = LW_SPLIT;
  }
}

/* The tag's '>' was read: choose the state of the text that follows. */
static void end_tag_token(lw_doc *doc) {
  doc->state = LW_DATA;
  if (doc->end_tag) {
    lw_space_end(doc);
    return;
  }
  doc->raw = lw_space_start(doc);
  doc->escape = doc->dashes = 0;
  switch (doc->raw) {
    case LW_RAW_TEXT: case LW_RAW_RCDATA: doc->state = LW_RAW; break;
    case LW_RAW_SCRIPT: doc->state = LW_SCRIPT; break;
    case LW_RAW_PLAINTEXT: doc->state = LW_PLAINTEXT; break;
    default: break;
  }
}

static void finish_tag(lw_doc *doc, const lw_run_context *run, const uint8_t *after) {
  lw_element element = lw_link_element(doc, run->inner);
  if (element != LW_EL_NONE) emit(doc, run, lw_offset_of(run, after), element, NULL);
  end_tag_token(doc);
}

/* A link's start tag that lies whole in the buffer is lexed at once, in one go. */
static const uint8_t *try_whole_link(lw_doc *doc, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  lw_element element = lw_link_element(doc, run->inner);
  if (element == LW_EL_NONE || doc->tag_start < run->offset) return NULL;
  lw_tag tag;
  const uint8_t *after = lw_lex(run->buffer + (doc->tag_start - run->offset), p, end, run->switches, &tag);
  if (after == NULL) return NULL;
  emit(doc, run, lw_offset_of(run, after), element, &tag);
  doc->self_closing = tag.self_closing;
  end_tag_token(doc);
  return after;
}

static const uint8_t *tag_name(lw_doc *doc, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  while (p < end && !lw_ends_name(*p)) add_to_name(doc, *p++);
  if (p == end) return p;
  const uint8_t *after = try_whole_link(doc, run, p, end);
  if (after) return after;
  doc->watch = lw_needs_watch(doc);
  doc->state = LW_BEFORE_ATTRIBUTE;
  return p;
}

const uint8_t *lw_open_link(lw_doc *doc, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  begin_tag(doc, lw_offset_of(run, p), false);
  add_to_name(doc, 'a');
  doc->state = LW_TAG_NAME;
  return tag_name(doc, run, p + 2, end);
}

static const uint8_t *attribute_name(lw_doc *doc, const uint8_t *p, const uint8_t *end) {
  const uint8_t *from = p;
  while (p < end && !lw_ends_name(*p) && *p != '=') p++;
  if (doc->watch) watch_name(doc, from, p);
  if (p == end) return p;
  if (doc->watch) end_attribute_name(doc);
  doc->state = LW_AFTER_ATTRIBUTE;
  return p;
}

static void begin_attribute(lw_doc *doc, uint8_t c) {
  doc->attribute_length = 0;
  if (doc->watch) {
    doc->watch = 1;
    watch_name(doc, &c, &c + 1);
  }
  doc->state = LW_ATTRIBUTE_NAME;
}

static const uint8_t *quoted_value(lw_doc *doc, const uint8_t *p, const uint8_t *end, uint8_t quote) {
  const uint8_t *close = memchr(p, quote, (size_t)(end - p));
  if (doc->watch) watch_value(doc, p, close ? close : end);
  if (close == NULL) return end;
  doc->state = LW_BEFORE_ATTRIBUTE; /* what may stand behind a quote is handled alike there */
  return close + 1;
}

static const uint8_t *unquoted_value(lw_doc *doc, const uint8_t *p, const uint8_t *end) {
  const uint8_t *from = p;
  while (p < end && !lw_is_space(*p) && *p != '>') p++;
  if (doc->watch) watch_value(doc, from, p);
  if (p < end) doc->state = LW_BEFORE_ATTRIBUTE;
  return p;
}

/* Between attributes: one byte. '>' is left to the caller. */
static void between_attributes(lw_doc *doc, uint8_t c) {
  if (c == '/') {
    doc->state = LW_SELF_CLOSING;
  } else if (lw_is_space(c)) {
    if (doc->state == LW_SELF_CLOSING) doc->state = LW_BEFORE_ATTRIBUTE;
  } else if (c == '=' && doc->state == LW_AFTER_ATTRIBUTE) {
    doc->state = LW_BEFORE_VALUE;
  } else {
    begin_attribute(doc, c);
  }
}

static const uint8_t *before_value(lw_doc *doc, const uint8_t *p) {
  if (lw_is_space(*p)) return p + 1;
  if (*p == '"' || *p == '\'') {
    doc->state = *p == '"' ? LW_VALUE_DOUBLE : LW_VALUE_SINGLE;
    return p + 1;
  }
  doc->state = *p == '>' ? LW_BEFORE_ATTRIBUTE : LW_VALUE_UNQUOTED;
  return p;
}

const uint8_t *lw_tag_states(lw_doc *doc, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    switch (doc->state) {
      case LW_TAG_OPEN:
        if (lw_is_alpha(*p)) {
          begin_tag(doc, lw_offset_of(run, p) - 1, false);
          doc->state = LW_TAG_NAME;
        } else if (*p == '/') {
          p++;
          doc->state = LW_END_TAG_OPEN;
        } else if (*p == '!') {
          p++;
          doc->state = LW_DECLARATION;
          doc->matched = doc->escape = 0;
        } else {
          doc->state = *p == '?' ? LW_BOGUS_COMMENT : LW_DATA;
        }
        break;
      case LW_END_TAG_OPEN:
        if (lw_is_alpha(*p)) {
          begin_tag(doc, lw_offset_of(run, p) - 2, true);
          doc->state = LW_TAG_NAME;
        } else {
          doc->state = *p == '>' ? LW_DATA : LW_BOGUS_COMMENT;
          p += *p == '>';
        }
        break;
      case LW_TAG_NAME: p = tag_name(doc, run, p, end); break;
      case LW_BEFORE_ATTRIBUTE: case LW_AFTER_ATTRIBUTE: case LW_SELF_CLOSING:
        if (*p == '>') {
          doc->self_closing = doc->state == LW_SELF_CLOSING;
          finish_tag(doc, run, ++p);
          return p;
        }
        between_attributes(doc, *p++);
        break;
      case LW_ATTRIBUTE_NAME: p = attribute_name(doc, p, end); break;
      case LW_BEFORE_VALUE: p = before_value(doc, p); break;
      case LW_VALUE_DOUBLE: p = quoted_value(doc, p, end, '"'); break;
      case LW_VALUE_SINGLE: p = quoted_value(doc, p, end, '\''); break;
      case LW_VALUE_UNQUOTED: p = unquoted_value(doc, p, end); break;
      default: return p;
    }
  }
  return p;
}
