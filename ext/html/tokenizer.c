/* tokenizer.c: drives the states over a chunk, steps into conditional comments, reports what is open at the end. */
#include "tokenizer.h"

#include <string.h>

#include "namespace.h"
#include "tokenizer_states.h"
#include "skip.h"

static const char *const ELEMENTS[] = {"a",      "v:rect",     "v:roundrect", "v:oval",  "v:shape", "v:line",
                                       "v:polyline", "v:arc", "v:curve",     "v:image", "v:group"};

const char *lw_element_name(lw_element element) { return element < LW_EL_NONE ? ELEMENTS[element] : ""; }

lw_element lw_link_element(const lw_doc *doc, bool inner) {
  if (doc->end_tag) return LW_EL_NONE;
  if (doc->name_length == 1 && doc->name[0] == 'a') return LW_EL_A;
  if (!inner || doc->name_length > LW_NAME_MAX || doc->name[0] != 'v') return LW_EL_NONE;
  for (int i = LW_EL_RECT; i < LW_EL_NONE; i++)
    if (strlen(ELEMENTS[i]) == doc->name_length && memcmp(ELEMENTS[i], doc->name, doc->name_length) == 0)
      return (lw_element)i;
  return LW_EL_NONE;
}

bool lw_may_become_link(const lw_doc *doc, bool inner) {
  if (doc->state == LW_TAG_OPEN) return true;
  if (doc->state < LW_TAG_NAME || doc->state > LW_SELF_CLOSING || doc->end_tag) return false;
  if (doc->state != LW_TAG_NAME) return lw_link_element(doc, inner) != LW_EL_NONE;
  if (doc->name_length > LW_NAME_MAX) return false;
  for (int i = 0; i < (inner ? LW_EL_NONE : 1); i++)
    if (strlen(ELEMENTS[i]) >= doc->name_length && memcmp(ELEMENTS[i], doc->name, doc->name_length) == 0) return true;
  return false;
}

/* Text: find the next '<' that matters. The sweep may also stop in text it did not judge; it knows `a` but not
 * the VML elements of conditional comments. */
static const uint8_t *data_state(lw_doc *doc, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  if (run->sweep && doc->depth == 0 && !run->inner) p = run->sweep(p, end);
  if (p < end && *p != '<') p = memchr(p, '<', (size_t)(end - p));
  if (p == NULL || p == end) return end;
  if (end - p > 2 && (p[1] | 0x20) == 'a' && lw_is_space(p[2])) return lw_open_link(doc, run, p, end);
  doc->state = LW_TAG_OPEN;
  doc->tag_start = lw_offset_of(run, p);
  return p + 1;
}

const uint8_t *lw_run(lw_doc *doc, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  while (p < end && run->out->count < run->out->capacity) {
    if (doc->state == LW_DATA) p = data_state(doc, run, p, end);
    else if (doc->state == LW_PLAINTEXT) return end;
    else if (doc->state >= LW_SCRIPT) p = lw_script_states(doc, p, end);
    else if (doc->state >= LW_RAW) p = lw_raw_states(doc, p, end);
    else if (doc->state >= LW_TAG_NAME || doc->state <= LW_END_TAG_OPEN) p = lw_tag_states(doc, run, p, end);
    else if (doc->state == LW_COMMENT_START && run->switches->outlook && !run->inner) return p;
    else p = lw_markup_states(doc, p, end);
  }
  return p;
}

/* Is a link's start tag open? Its name must be complete: "<a" alone is not yet an `a`. */
static bool link_is_open(const lw_doc *doc, bool inner) {
  return doc->state > LW_TAG_NAME && doc->state <= LW_SELF_CLOSING && lw_link_element(doc, inner) != LW_EL_NONE;
}

static void emit_cut(const lw_doc *doc, uint64_t end, bool inner, lw_spans *out) {
  if (!link_is_open(doc, inner)) return;
  out->spans[out->count++] = (lw_span){.start = doc->tag_start,
                                       .end = end,
                                       .shape = LW_CUT,
                                       .element = (uint8_t)lw_link_element(doc, inner)};
}

/* How far a comment has been read that may be conditional: "<!--[if ...]>". While it is not PLAIN the outer
 * document waits in LW_COMMENT_START and `scan->comment` is the comment's true state. */
enum { PLAIN, MATCHING, DELIMITER, CONDITION, BRACKET, INSIDE };

static void leave_comment(lw_scan *scan, lw_state outer) {
  scan->outer.state = (uint8_t)outer;
  scan->conditional = PLAIN;
}

/* Where the opening stands after one more byte; PLAIN: this is an ordinary comment. */
static uint8_t next_condition(lw_scan *scan, uint8_t c) {
  switch (scan->conditional) {
    case MATCHING:
      if (lw_lower(c) != (uint8_t)"[if"[scan->conditional_matched]) return PLAIN;
      return ++scan->conditional_matched == 3 ? DELIMITER : MATCHING;
    case DELIMITER:
      return lw_is_space(c) || c == '(' || c == '!' ? CONDITION : PLAIN;
    default:
      return c == ']' ? BRACKET : c == '>' && scan->conditional == BRACKET ? INSIDE : CONDITION;
  }
}

static const uint8_t *read_condition(lw_scan *scan, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    uint8_t c = *p++;
    lw_state next = lw_comment_step((lw_state)scan->comment, c);
    scan->comment = (uint8_t)next;
    scan->conditional = next == LW_DATA ? PLAIN : next_condition(scan, c);
    if (scan->conditional == PLAIN) {
      leave_comment(scan, next);
      break;
    }
    if (scan->conditional == INSIDE) {
      memset(&scan->inner, 0, sizeof scan->inner);
      scan->inner_closes = 0;
      scan->inner_until = 0;
      break;
    }
  }
  return p;
}

/* Inside a conditional comment: find where the comment ends, and scan up to there as a document of its own. */
static const uint8_t *scan_inside(lw_scan *scan, lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  if (!scan->inner_closes && scan->inner_until <= lw_offset_of(run, p)) {
    lw_state state = (lw_state)scan->comment;
    const uint8_t *stop = lw_comment_skip(&state, p, end);
    scan->comment = (uint8_t)state;
    scan->inner_until = lw_offset_of(run, stop);
    scan->inner_closes = stop < end;
  }
  const uint8_t *stop = run->buffer + (scan->inner_until - run->offset);
  run->inner = true;
  p = lw_run(&scan->inner, run, p, stop);
  run->inner = false;
  if (p < stop || !scan->inner_closes || run->out->count == run->out->capacity) return p;
  size_t closing = scan->comment == LW_COMMENT_END_BANG ? 3 : 2; /* "--!" or "--" is not of the inside */
  emit_cut(&scan->inner, scan->inner_until - closing, true, run->out);
  leave_comment(scan, LW_DATA);
  return p + 1;
}

size_t lw_scan_feed(lw_scan *scan, const lw_switches *switches, const uint8_t *buffer, size_t size, lw_spans *out) {
  lw_run_context run = {switches, buffer, scan->offset, out, false, switches->sweep};
  const uint8_t *p = buffer, *end = buffer + size;
  while (p < end && out->count < out->capacity) {
    if (scan->conditional == INSIDE) {
      p = scan_inside(scan, &run, p, end);
    } else if (scan->conditional != PLAIN) {
      p = read_condition(scan, p, end);
    } else {
      p = lw_run(&scan->outer, &run, p, end);
      if (scan->outer.state != LW_COMMENT_START || !switches->outlook) continue;
      scan->conditional = MATCHING;
      scan->conditional_matched = 0;
      scan->comment = LW_COMMENT_START;
    }
  }
  scan->offset += (uint64_t)(p - buffer);
  return (size_t)(p - buffer);
}

void lw_scan_finish(lw_scan *scan, lw_spans *out) {
  bool inside = scan->conditional == INSIDE;
  emit_cut(inside ? &scan->inner : &scan->outer, scan->offset, inside, out);
}

uint64_t lw_scan_open_tag(const lw_scan *scan) {
  bool inside = scan->conditional == INSIDE;
  const lw_doc *doc = inside ? &scan->inner : &scan->outer;
  return lw_may_become_link(doc, inside) ? doc->tag_start : LW_NO_HOLD;
}

uint64_t lw_scan_hold(const lw_scan *scan, const lw_switches *switches) {
  uint64_t start = lw_scan_open_tag(scan);
  return start != LW_NO_HOLD && scan->offset - start > switches->tag_limit ? LW_NO_HOLD : start;
}
