/* tokenizer_internal.h: the tokenizer's states and the functions that move between them. Private to its files.
 *
 * The names are those of the HTML standard, 13.2.5, shortened; states that do not change where a tag begins or
 * ends are folded into one. Each lw_*_states function runs while the document stays in its group and returns
 * where it stopped; lw_run_states (tokenizer.c) hands the document from group to group. Calls go one way:
 * tokenizer.c -> tag.c, rawtext.c, comment.c -> link_element.c, namespace.c.
 */
#ifndef LW_TOKENIZER_INTERNAL_H
#define LW_TOKENIZER_INTERNAL_H

#include "tokenizer.h"

typedef enum {
  LW_DATA, /* 0: the state of a zeroed document */
  LW_TAG_OPEN, LW_END_TAG_OPEN, LW_DECLARATION, LW_BOGUS_COMMENT,
  /* comments */
  LW_COMMENT_START, LW_COMMENT_START_DASH, LW_COMMENT, LW_COMMENT_END_DASH, LW_COMMENT_END, LW_COMMENT_END_BANG,
  LW_CDATA, LW_CDATA_BRACKET, LW_CDATA_END,
  /* tags */
  LW_TAG_NAME, LW_BEFORE_ATTRIBUTE, LW_ATTRIBUTE_NAME, LW_AFTER_ATTRIBUTE, LW_BEFORE_VALUE,
  LW_VALUE_DOUBLE, LW_VALUE_SINGLE, LW_VALUE_UNQUOTED, LW_SELF_CLOSING,
  /* text in which no start tag exists */
  LW_RAW, LW_RAW_LESS_THAN, LW_RAW_END_NAME,
  LW_SCRIPT, LW_SCRIPT_LESS_THAN, LW_SCRIPT_BANG, LW_SCRIPT_BANG_DASH, LW_SCRIPT_END_NAME,
  LW_SCRIPT_DOUBLE_START, LW_SCRIPT_DOUBLE_END,
  LW_PLAINTEXT
} lw_state;

/* What a run needs beside the document: where the bytes lie, what the caller wants, where spans go. */
typedef struct {
  const lw_options *options;
  const uint8_t *buffer; /* the byte at absolute offset `offset` */
  uint64_t offset;
  lw_spans *out;
  bool in_conditional; /* inside a conditional comment: VML elements count too */
  lw_fast_scan_fn skip; /* NULL: the states alone */
} lw_run_context;

static inline uint64_t lw_offset_of(const lw_run_context *run, const uint8_t *p) {
  return run->offset + (uint64_t)(p - run->buffer);
}

/* Tokenize [p, end) until its end, a full span array, or (outer documents, outlook) a comment's start. */
const uint8_t *lw_run_states(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end);

/* The groups. */
const uint8_t *lw_markup_states(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end);
const uint8_t *lw_tag_states(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end);
const uint8_t *lw_raw_states(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end);
const uint8_t *lw_script_states(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end);

/* At "<a" and white space: what the tag states would do from '<' on, without going from state to state. */
const uint8_t *lw_open_link(lw_tokenizer *tok, const lw_run_context *run, const uint8_t *p, const uint8_t *end);

/* One step of a comment's states; LW_DATA when `c` closes it. */
lw_state lw_comment_step(lw_state state, uint8_t c);

/* Run the comment's states over [p, end): returns at the '>' that closes it, *state being the one that the '>' is
 * met in, or `end`. */
const uint8_t *lw_comment_skip(lw_state *state, const uint8_t *p, const uint8_t *end);

/* link_element.c: which link element the open tag is by its name, LW_EL_NONE for none. */
lw_element lw_link_element(const lw_tokenizer *tok, bool in_conditional);
/* Is a link's start tag open? Its name must be complete: "<a" alone is not yet an `a`. */
bool lw_link_is_open(const lw_tokenizer *tok, bool in_conditional);
/* The same, also of a tag whose name is incomplete and could still become a link's. */
bool lw_may_become_link(const lw_tokenizer *tok, bool in_conditional);

#endif
