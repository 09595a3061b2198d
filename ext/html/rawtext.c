/* rawtext.c: text in which no start tag exists: RCDATA, RAWTEXT and script data (HTML, 13.2.5.2-31). */
#include <string.h>

#include "namespace.h"
#include "tokenizer_internal.h"

/* In raw text came a '<' that is not the element's end tag. Where the namespace is ambiguous, this may be markup that
 * hides that end tag (in a comment, in a value), and the two readings part for good: the rest is left alone. */
static lw_state text_unless_ambiguous(const lw_tokenizer *tok, lw_state text) {
  return tok->ambiguous ? LW_PLAINTEXT : text;
}

/* Continue matching an end tag's name against the element's own. Returns true while undecided; on the byte that
 * decides, moves to the tag states (the end tag is ours) or back to `text`. */
static bool match_end_name(lw_tokenizer *tok, uint8_t c, lw_state text) {
  if (tok->matched < tok->name_length && lw_lower(c) == tok->name[tok->matched]) {
    tok->matched++;
    return true;
  }
  bool ours = tok->matched == tok->name_length && lw_is_name_end(c);
  tok->state = ours ? LW_BEFORE_ATTRIBUTE : text_unless_ambiguous(tok, text);
  if (ours) {
    tok->end_tag = 1;
    tok->self_closing = tok->watch_attributes = tok->raw = 0;
  }
  return false;
}

const uint8_t *lw_raw_states(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    switch (tok->state) {
      case LW_RAW:
        p = memchr(p, '<', (size_t)(end - p));
        if (p == NULL) return end;
        p++;
        tok->state = LW_RAW_LESS_THAN;
        break;
      case LW_RAW_LESS_THAN:
        tok->state = *p == '/' ? LW_RAW_END_NAME : text_unless_ambiguous(tok, LW_RAW);
        tok->matched = 0;
        p += *p == '/';
        break;
      case LW_RAW_END_NAME:
        p += match_end_name(tok, *p, LW_RAW);
        break;
      default:
        return p;
    }
  }
  return p;
}

/* tok->escape: 0 script data, 1 escaped ("<!--" was seen), 2 double escaped ("<script" inside it). */
static const uint8_t *script_text(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  if (tok->escape == 0) {
    p = memchr(p, '<', (size_t)(end - p));
    if (p == NULL) return end;
    tok->state = LW_SCRIPT_LESS_THAN;
    return p + 1;
  }
  for (; p < end; p++) {
    if (*p == '-') {
      tok->dashes = tok->dashes ? 2 : 1;
    } else if (*p == '<') {
      tok->dashes = 0;
      tok->state = LW_SCRIPT_LESS_THAN;
      return p + 1;
    } else {
      bool closes = *p == '>' && tok->dashes == 2;
      tok->dashes = 0;
      if (closes) {
        tok->escape = 0;
        return p + 1;
      }
    }
  }
  return p;
}

/* Behind '<' in a script; the byte is looked at again in the state that follows unless it is eaten. */
static const uint8_t *script_less_than(lw_tokenizer *tok, const uint8_t *p) {
  tok->matched = 0;
  tok->state = text_unless_ambiguous(tok, LW_SCRIPT);
  if (*p == '/') tok->state = tok->escape == 2 ? LW_SCRIPT_DOUBLE_END : LW_SCRIPT_END_NAME;
  else if (tok->ambiguous) return p;
  else if (*p == '!' && tok->escape == 0) tok->state = LW_SCRIPT_BANG;
  else if (tok->escape == 1 && lw_is_alpha(*p)) tok->state = LW_SCRIPT_DOUBLE_START;
  return tok->state == LW_SCRIPT || tok->state == LW_SCRIPT_DOUBLE_START ? p : p + 1;
}

/* "<script" in escaped text opens, "</script" in double escaped text closes, the double escape. */
static const uint8_t *script_double(lw_tokenizer *tok, const uint8_t *p, uint8_t on_match) {
  if (tok->matched < 6 && lw_lower(*p) == (uint8_t)"script"[tok->matched]) {
    tok->matched++;
    return p + 1;
  }
  bool whole = tok->matched == 6 && lw_is_name_end(*p);
  if (whole) tok->escape = on_match;
  tok->state = LW_SCRIPT;
  return whole ? p + 1 : p;
}

const uint8_t *lw_script_states(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    switch (tok->state) {
      case LW_SCRIPT: p = script_text(tok, p, end); break;
      case LW_SCRIPT_LESS_THAN: p = script_less_than(tok, p); break;
      case LW_SCRIPT_BANG:
        tok->state = *p == '-' ? LW_SCRIPT_BANG_DASH : LW_SCRIPT;
        p += *p == '-';
        break;
      case LW_SCRIPT_BANG_DASH:
        tok->state = LW_SCRIPT;
        if (*p == '-') {
          tok->escape = 1;
          tok->dashes = 2; /* "<!-->" leaves the escape at once */
          p++;
        }
        break;
      case LW_SCRIPT_END_NAME: p += match_end_name(tok, *p, LW_SCRIPT); break;
      case LW_SCRIPT_DOUBLE_START: p = script_double(tok, p, 2); break;
      case LW_SCRIPT_DOUBLE_END: p = script_double(tok, p, 1); break;
      default: return p;
    }
  }
  return p;
}
