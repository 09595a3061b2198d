/* tag.c: from '<' to the '>' that ends the tag, resumable at any byte (HTML, 13.2.5.6-40). */
#include <string.h>

#include "namespace.h"
#include "tokenizer_internal.h"

static void begin_tag(lw_tokenizer *tok, uint64_t start, bool end_tag) {
  tok->tag_start = start;
  tok->end_tag = end_tag;
  tok->hash = LW_HASH_SEED;
  tok->name_length = tok->self_closing = tok->watch_attributes = tok->font_breaks = tok->encoding_seen = 0;
  tok->attribute_length = tok->value_length = 0;
}

static void add_to_name(lw_tokenizer *tok, uint8_t c) {
  c = lw_lower(c);
  tok->hash = lw_hash_byte(tok->hash, c);
  if (tok->name_length < LW_NAME_MAX) tok->name[tok->name_length] = c;
  if (tok->name_length < UINT8_MAX) tok->name_length++;
}

/* font's and annotation-xml's attributes decide about namespaces. Called when an attribute's name is complete. */
static void end_attribute_name(lw_tokenizer *tok) {
  size_t n = tok->attribute_length;
  if (n == 8 && lw_equals_nocase(tok->attribute, "encoding", n)) {
    tok->watch_attributes = tok->encoding_seen ? 1 : 2; /* 2: its value is being read; the first one counts */
    tok->encoding_seen = 1;
  }
  if ((n == 5 && lw_equals_nocase(tok->attribute, "color", n)) ||
      (n == 4 && (lw_equals_nocase(tok->attribute, "face", n) || lw_equals_nocase(tok->attribute, "size", n))))
    tok->font_breaks = 1;
}

static void record_attribute_name(lw_tokenizer *tok, const uint8_t *p, const uint8_t *stop) {
  for (; p < stop; p++) {
    if (tok->attribute_length < LW_NAME_MAX) tok->attribute[tok->attribute_length] = *p;
    if (tok->attribute_length < UINT8_MAX) tok->attribute_length++;
  }
}

static void record_attribute_value(lw_tokenizer *tok, const uint8_t *p, const uint8_t *stop) {
  if (tok->watch_attributes != 2) return;
  for (; p < stop; p++) {
    if (tok->value_length < LW_VALUE_MAX) tok->value[tok->value_length] = *p;
    if (tok->value_length < UINT8_MAX) tok->value_length++;
  }
}

static void emit_span(lw_tokenizer *tok, const lw_run_context *run, uint64_t end, lw_element element,
                      const lw_tag *tag) {
  lw_span *span = &run->out->spans[run->out->count++];
  *span = (lw_span){.start = tok->tag_start, .end = end, .element = (uint8_t)element};
  if (end - tok->tag_start > run->options->tag_limit) {
    span->kind = LW_SPAN_TOO_LONG;
  } else if (tag) {
    span->kind = LW_SPAN_COMPLETE;
    span->tag = *tag;
  } else {
    span->kind = LW_SPAN_SPLIT;
  }
}

/* The tag's '>' was read: choose the state of the text that follows. */
static void end_tag_token(lw_tokenizer *tok) {
  tok->state = LW_DATA;
  if (tok->end_tag) {
    lw_namespace_end_tag(tok);
    return;
  }
  tok->raw = lw_namespace_start_tag(tok);
  tok->escape = tok->dashes = 0;
  switch (tok->raw) {
    case LW_RAW_TEXT: case LW_RAW_RCDATA: tok->state = LW_RAW; break;
    case LW_RAW_SCRIPT: tok->state = LW_SCRIPT; break;
    case LW_RAW_PLAINTEXT: tok->state = LW_PLAINTEXT; break;
    default: break;
  }
}

static void finish_tag(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *after) {
  lw_element element = lw_link_element(tok, run->in_conditional);
  if (element != LW_EL_NONE) emit_span(tok, run, lw_offset_of(run, after), element, NULL);
  end_tag_token(tok);
}

/* A link's start tag that lies whole in the buffer is lexed at once, in one go. */
static const uint8_t *parse_whole_link(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p,
                                       const uint8_t *end) {
  lw_element element = lw_link_element(tok, run->in_conditional);
  if (element == LW_EL_NONE || tok->tag_start < run->offset) return NULL;
  lw_tag tag;
  const uint8_t *after = lw_parse_attributes(run->buffer + (tok->tag_start - run->offset), p, end, run->options, &tag);
  if (after == NULL) return NULL;
  emit_span(tok, run, lw_offset_of(run, after), element, &tag);
  tok->self_closing = tag.self_closing;
  end_tag_token(tok);
  return after;
}

static const uint8_t *tag_name(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  while (p < end && !lw_is_name_end(*p)) add_to_name(tok, *p++);
  if (p == end) return p;
  const uint8_t *after = parse_whole_link(tok, run, p, end);
  if (after) return after;
  tok->watch_attributes = lw_must_watch_attributes(tok);
  tok->state = LW_BEFORE_ATTRIBUTE;
  return p;
}

const uint8_t *lw_open_link(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  begin_tag(tok, lw_offset_of(run, p), false);
  add_to_name(tok, 'a');
  tok->state = LW_TAG_NAME;
  return tag_name(tok, run, p + 2, end);
}

static const uint8_t *attribute_name(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  const uint8_t *from = p;
  while (p < end && !lw_is_name_end(*p) && *p != '=') p++;
  if (tok->watch_attributes) record_attribute_name(tok, from, p);
  if (p == end) return p;
  if (tok->watch_attributes) end_attribute_name(tok);
  tok->state = LW_AFTER_ATTRIBUTE;
  return p;
}

static void begin_attribute(lw_tokenizer *tok, uint8_t c) {
  tok->attribute_length = 0;
  if (tok->watch_attributes) {
    tok->watch_attributes = 1;
    record_attribute_name(tok, &c, &c + 1);
  }
  tok->state = LW_ATTRIBUTE_NAME;
}

static const uint8_t *quoted_value(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end, uint8_t quote) {
  const uint8_t *close = memchr(p, quote, (size_t)(end - p));
  if (tok->watch_attributes) record_attribute_value(tok, p, close ? close : end);
  if (close == NULL) return end;
  tok->state = LW_BEFORE_ATTRIBUTE; /* what may stand behind a quote is handled alike there */
  return close + 1;
}

static const uint8_t *unquoted_value(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  const uint8_t *from = p;
  while (p < end && !lw_is_space(*p) && *p != '>') p++;
  if (tok->watch_attributes) record_attribute_value(tok, from, p);
  if (p < end) tok->state = LW_BEFORE_ATTRIBUTE;
  return p;
}

/* Between attributes: one byte. '>' is left to the caller. */
static void between_attributes(lw_tokenizer *tok, uint8_t c) {
  if (c == '/') {
    tok->state = LW_SELF_CLOSING;
  } else if (lw_is_space(c)) {
    if (tok->state == LW_SELF_CLOSING) tok->state = LW_BEFORE_ATTRIBUTE;
  } else if (c == '=' && tok->state == LW_AFTER_ATTRIBUTE) {
    tok->state = LW_BEFORE_VALUE;
  } else {
    begin_attribute(tok, c);
  }
}

static const uint8_t *before_value(lw_tokenizer *tok, const uint8_t *p) {
  if (lw_is_space(*p)) return p + 1;
  if (*p == '"' || *p == '\'') {
    tok->state = *p == '"' ? LW_VALUE_DOUBLE : LW_VALUE_SINGLE;
    return p + 1;
  }
  tok->state = *p == '>' ? LW_BEFORE_ATTRIBUTE : LW_VALUE_UNQUOTED;
  return p;
}

const uint8_t *lw_tag_states(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    switch (tok->state) {
      case LW_TAG_OPEN:
        if (lw_is_alpha(*p)) {
          begin_tag(tok, lw_offset_of(run, p) - 1, false);
          tok->state = LW_TAG_NAME;
        } else if (*p == '/') {
          p++;
          tok->state = LW_END_TAG_OPEN;
        } else if (*p == '!') {
          p++;
          tok->state = LW_DECLARATION;
          tok->matched = tok->escape = 0;
        } else {
          tok->state = *p == '?' ? LW_BOGUS_COMMENT : LW_DATA;
        }
        break;
      case LW_END_TAG_OPEN:
        if (lw_is_alpha(*p)) {
          begin_tag(tok, lw_offset_of(run, p) - 2, true);
          tok->state = LW_TAG_NAME;
        } else {
          tok->state = *p == '>' ? LW_DATA : LW_BOGUS_COMMENT;
          p += *p == '>';
        }
        break;
      case LW_TAG_NAME: p = tag_name(tok, run, p, end); break;
      case LW_BEFORE_ATTRIBUTE: case LW_AFTER_ATTRIBUTE: case LW_SELF_CLOSING:
        if (*p == '>') {
          tok->self_closing = tok->state == LW_SELF_CLOSING;
          finish_tag(tok, run, ++p);
          return p;
        }
        between_attributes(tok, *p++);
        break;
      case LW_ATTRIBUTE_NAME: p = attribute_name(tok, p, end); break;
      case LW_BEFORE_VALUE: p = before_value(tok, p); break;
      case LW_VALUE_DOUBLE: p = quoted_value(tok, p, end, '"'); break;
      case LW_VALUE_SINGLE: p = quoted_value(tok, p, end, '\''); break;
      case LW_VALUE_UNQUOTED: p = unquoted_value(tok, p, end); break;
      default: return p;
    }
  }
  return p;
}
