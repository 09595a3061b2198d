/* rawtext.c: text in which no start tag exists: RCDATA, RAWTEXT and script data (HTML, 13.2.5.2-31). */
#include <string.h>

#include "namespace.h"
#include "tokenizer_states.h"

/* In raw text came a '<' that is not the element's end tag. In doubt about the namespace this may be markup that
 * hides that end tag (in a comment, in a value), and the two readings part for good: the rest is left alone. */
static lw_state lw_after_other(const lw_doc *doc, lw_state text) { return doc->doubt ? LW_PLAINTEXT : text; }

/* Continue matching an end tag's name against the element's own. Returns true while undecided; on the byte that
 * decides, moves to the tag states (the end tag is ours) or back to `text`. */
static bool match_end_name(lw_doc *doc, uint8_t c, lw_state text) {
  if (doc->matched < doc->name_length && lw_lower(c) == doc->name[doc->matched]) {
    doc->matched++;
    return true;
  }
  bool ours = doc->matched == doc->name_length && lw_ends_name(c);
  doc->state = ours ? LW_BEFORE_ATTRIBUTE : lw_after_other(doc, text);
  if (ours) {
    doc->end_tag = 1;
    doc->self_closing = doc->watch = doc->raw = 0;
  }
  return false;
}

const uint8_t *lw_raw_states(lw_doc *doc, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    switch (doc->state) {
      case LW_RAW:
        p = memchr(p, '<', (size_t)(end - p));
        if (p == NULL) return end;
        p++;
        doc->state = LW_RAW_LESS_THAN;
        break;
      case LW_RAW_LESS_THAN:
        doc->state = *p == '/' ? LW_RAW_END_NAME : lw_after_other(doc, LW_RAW);
        doc->matched = 0;
        p += *p == '/';
        break;
      case LW_RAW_END_NAME:
        p += match_end_name(doc, *p, LW_RAW);
        break;
      default:
        return p;
    }
  }
  return p;
}

/* doc->escape: 0 script data, 1 escaped ("<!--" was seen), 2 double escaped ("<script" inside it). */
static const uint8_t *script_text(lw_doc *doc, const uint8_t *p, const uint8_t *end) {
  if (doc->escape == 0) {
    p = memchr(p, '<', (size_t)(end - p));
    if (p == NULL) return end;
    doc->state = LW_SCRIPT_LESS_THAN;
    return p + 1;
  }
  for (; p < end; p++) {
    if (*p == '-') {
      doc->dashes = doc->dashes ? 2 : 1;
    } else if (*p == '<') {
      doc->dashes = 0;
      doc->state = LW_SCRIPT_LESS_THAN;
      return p + 1;
    } else {
      bool closes = *p == '>' && doc->dashes == 2;
      doc->dashes = 0;
      if (closes) {
        doc->escape = 0;
        return p + 1;
      }
    }
  }
  return p;
}

/* Behind '<' in a script; the byte is looked at again in the state that follows unless it is eaten. */
static const uint8_t *script_less_than(lw_doc *doc, const uint8_t *p) {
  doc->matched = 0;
  doc->state = lw_after_other(doc, LW_SCRIPT);
  if (*p == '/') doc->state = doc->escape == 2 ? LW_SCRIPT_DOUBLE_END : LW_SCRIPT_END_NAME;
  else if (doc->doubt) return p;
  else if (*p == '!' && doc->escape == 0) doc->state = LW_SCRIPT_BANG;
  else if (doc->escape == 1 && lw_is_alpha(*p)) doc->state = LW_SCRIPT_DOUBLE_START;
  return doc->state == LW_SCRIPT || doc->state == LW_SCRIPT_DOUBLE_START ? p : p + 1;
}

/* "<script" in escaped text opens, "</script" in double escaped text closes, the double escape. */
static const uint8_t *script_double(lw_doc *doc, const uint8_t *p, uint8_t on_match) {
  if (doc->matched < 6 && lw_lower(*p) == (uint8_t)"script"[doc->matched]) {
    doc->matched++;
    return p + 1;
  }
  bool whole = doc->matched == 6 && lw_ends_name(*p);
  if (whole) doc->escape = on_match;
  doc->state = LW_SCRIPT;
  return whole ? p + 1 : p;
}

const uint8_t *lw_script_states(lw_doc *doc, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    switch (doc->state) {
      case LW_SCRIPT: p = script_text(doc, p, end); break;
      case LW_SCRIPT_LESS_THAN: p = script_less_than(doc, p); break;
      case LW_SCRIPT_BANG:
        doc->state = *p == '-' ? LW_SCRIPT_BANG_DASH : LW_SCRIPT;
        p += *p == '-';
        break;
      case LW_SCRIPT_BANG_DASH:
        doc->state = LW_SCRIPT;
        if (*p == '-') {
          doc->escape = 1;
          doc->dashes = 2; /* "<!-->" leaves the escape at once */
          p++;
        }
        break;
      case LW_SCRIPT_END_NAME: p += match_end_name(doc, *p, LW_SCRIPT); break;
      case LW_SCRIPT_DOUBLE_START: p = script_double(doc, p, 2); break;
      case LW_SCRIPT_DOUBLE_END: p = script_double(doc, p, 1); break;
      default: return p;
    }
  }
  return p;
}
