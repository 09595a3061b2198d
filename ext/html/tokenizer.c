/* tokenizer.c: drives the states over a chunk, enters conditional comments, reports what is open at the end. */
#include "tokenizer.h"

#include <string.h>

#include "fast_scan.h"
#include "tokenizer_internal.h"

/* Text: find the next '<' that matters. The fast scan may also stop in text; it knows `a` but not
 * the VML elements of conditional comments. */
static const uint8_t *data_state(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  if (run->skip && tok->depth == 0 && !run->in_conditional) p = run->skip(p, end);
  if (p < end && *p != '<') p = memchr(p, '<', (size_t)(end - p));
  if (p == NULL || p == end) return end;
  if (end - p > 2 && (p[1] | 0x20) == 'a' && lw_is_space(p[2])) return lw_open_link(tok, run, p, end);
  tok->state = LW_TAG_OPEN;
  tok->tag_start = lw_offset_of(run, p);
  return p + 1;
}

const uint8_t *lw_run_states(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  while (p < end && run->out->count < run->out->capacity) {
    if (tok->state == LW_DATA) p = data_state(tok, run, p, end);
    else if (tok->state == LW_PLAINTEXT) return end;
    else if (tok->state >= LW_SCRIPT) p = lw_script_states(tok, p, end);
    else if (tok->state >= LW_RAW) p = lw_raw_states(tok, p, end);
    else if (tok->state >= LW_TAG_NAME || tok->state <= LW_END_TAG_OPEN) p = lw_tag_states(tok, run, p, end);
    else if (tok->state == LW_COMMENT_START && run->options->outlook && !run->in_conditional) return p;
    else p = lw_markup_states(tok, p, end);
  }
  return p;
}

static void emit_unterminated(const lw_tokenizer *tok, uint64_t end, bool in_conditional, lw_spans *out) {
  if (!lw_link_is_open(tok, in_conditional)) return;
  out->spans[out->count++] = (lw_span){.start = tok->tag_start,
                                       .end = end,
                                       .kind = LW_SPAN_UNTERMINATED,
                                       .element = (uint8_t)lw_link_element(tok, in_conditional)};
}

/* How far a comment has been read that may be conditional: "<!--[if ...]>". While it is not NOT_CONDITIONAL the
 * document waits in LW_COMMENT_START and `scan->comment` is the comment's true state. */
enum { NOT_CONDITIONAL, MATCHING, DELIMITER, CONDITION, BRACKET, INSIDE };

static void leave_comment(lw_scan *scan, lw_state outer) {
  scan->document.state = (uint8_t)outer;
  scan->conditional = NOT_CONDITIONAL;
}

/* Where the opening stands after one more byte; NOT_CONDITIONAL: this is an ordinary comment. */
static uint8_t next_condition(lw_scan *scan, uint8_t c) {
  switch (scan->conditional) {
    case MATCHING:
      if (lw_lower(c) != (uint8_t)"[if"[scan->conditional_matched]) return NOT_CONDITIONAL;
      return ++scan->conditional_matched == 3 ? DELIMITER : MATCHING;
    case DELIMITER:
      return lw_is_space(c) || c == '(' || c == '!' ? CONDITION : NOT_CONDITIONAL;
    default:
      return c == ']' ? BRACKET : c == '>' && scan->conditional == BRACKET ? INSIDE : CONDITION;
  }
}

static const uint8_t *read_condition(lw_scan *scan, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    uint8_t c = *p++;
    lw_state next = lw_comment_step((lw_state)scan->comment, c);
    scan->comment = (uint8_t)next;
    scan->conditional = next == LW_DATA ? NOT_CONDITIONAL : next_condition(scan, c);
    if (scan->conditional == NOT_CONDITIONAL) {
      leave_comment(scan, next);
      break;
    }
    if (scan->conditional == INSIDE) {
      memset(&scan->conditional_comment, 0, sizeof scan->conditional_comment);
      scan->conditional_closes = 0;
      scan->conditional_until = 0;
      break;
    }
  }
  return p;
}

/* Inside a conditional comment: find where the comment ends, and scan up to there as a document of its own. */
static const uint8_t *scan_inside(lw_scan *scan, lw_run_context *run, const uint8_t *p, const uint8_t *end) {
  if (!scan->conditional_closes && scan->conditional_until <= lw_offset_of(run, p)) {
    lw_state state = (lw_state)scan->comment;
    const uint8_t *stop = lw_comment_skip(&state, p, end);
    scan->comment = (uint8_t)state;
    scan->conditional_until = lw_offset_of(run, stop);
    scan->conditional_closes = stop < end;
  }
  const uint8_t *stop = run->buffer + (scan->conditional_until - run->offset);
  run->in_conditional = true;
  p = lw_run_states(&scan->conditional_comment, run, p, stop);
  run->in_conditional = false;
  if (p < stop || !scan->conditional_closes || run->out->count == run->out->capacity) return p;
  size_t closing = scan->comment == LW_COMMENT_END_BANG ? 3 : 2; /* "--!" or "--" is not of the inside */
  emit_unterminated(&scan->conditional_comment, scan->conditional_until - closing, true, run->out);
  leave_comment(scan, LW_DATA);
  return p + 1;
}

size_t lw_scan_feed(lw_scan *scan, const lw_options *options, const uint8_t *buffer, size_t size, lw_spans *out) {
  lw_run_context run = {options, buffer, scan->offset, out, false, options->skip};
  const uint8_t *p = buffer, *end = buffer + size;
  while (p < end && out->count < out->capacity) {
    if (scan->conditional == INSIDE) {
      p = scan_inside(scan, &run, p, end);
    } else if (scan->conditional != NOT_CONDITIONAL) {
      p = read_condition(scan, p, end);
    } else {
      p = lw_run_states(&scan->document, &run, p, end);
      if (scan->document.state != LW_COMMENT_START || !options->outlook) continue;
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
  emit_unterminated(inside ? &scan->conditional_comment : &scan->document, scan->offset, inside, out);
}

uint64_t lw_scan_open_tag(const lw_scan *scan) {
  bool inside = scan->conditional == INSIDE;
  const lw_tokenizer *tok = inside ? &scan->conditional_comment : &scan->document;
  return lw_may_become_link(tok, inside) ? tok->tag_start : LW_RETAIN_NOTHING;
}

uint64_t lw_scan_retain_from(const lw_scan *scan, const lw_options *options) {
  uint64_t start = lw_scan_open_tag(scan);
  return start != LW_RETAIN_NOTHING && scan->offset - start > options->tag_limit ? LW_RETAIN_NOTHING : start;
}
