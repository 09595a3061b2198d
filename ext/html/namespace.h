/* namespace.h: which namespace the next tag is in, by a bounded stack of foreign elements.
 *
 * Only where svg or math is open does the tokenizer depend on the tree: there raw-text names (style, title, ...)
 * hold markup and CDATA sections exist. The stack holds those elements by the hash of their names and nothing of
 * HTML. Where an HTML end tag may have closed them, or the stack is full, `ambiguous` is set for the rest of the
 * document: then raw-text names count as raw text, and where that text holds more than text the rest of the
 * document is left alone, so that in doubt a link stays untracked.
 */
#ifndef LW_NAMESPACE_H
#define LW_NAMESPACE_H

#include "tokenizer.h"

/* Kinds of names that change how bytes are read. */
enum {
  LW_RAW_NONE, LW_RAW_TEXT, LW_RAW_RCDATA, LW_RAW_SCRIPT, LW_RAW_PLAINTEXT
};

/* What the document's current tag name is. */
typedef struct {
  uint8_t raw;          /* one of LW_RAW_* */
  bool svg, math, breakout, font;
  uint8_t integration;  /* the kind it would have as a foreign element of `integration_namespace` */
  uint8_t integration_namespace;
} lw_name;

/* Must the attributes of this start tag be watched (font's, annotation-xml's)? */
bool lw_must_watch_attributes(const lw_tokenizer *tok);

/* Move the stack for the start tag just read; returns the LW_RAW_* kind of text that follows. */
uint8_t lw_namespace_start_tag(lw_tokenizer *tok);

/* Move the stack for the end tag just read. */
void lw_namespace_end_tag(lw_tokenizer *tok);

/* FNV-1a over a lower-case name: the stack compares names of any length by it. */
#define LW_HASH_SEED UINT64_C(0xCBF29CE484222325)
static inline uint64_t lw_hash_byte(uint64_t hash, uint8_t c) { return (hash ^ c) * UINT64_C(0x100000001B3); }
static inline uint64_t lw_hash_name(const char *name) {
  uint64_t hash = LW_HASH_SEED;
  while (*name) hash = lw_hash_byte(hash, (uint8_t)*name++);
  return hash;
}

/* Can "<![CDATA[" be a CDATA section here? And is it surely one? If it may be a bogus comment, which ends at the
 * first '>', the readings part and the rest of the document is left alone. */
static inline bool lw_cdata_allowed(const lw_tokenizer *tok) { return tok->depth > 0 || tok->ambiguous; }
static inline bool lw_cdata_certain(const lw_tokenizer *tok) {
  return tok->depth > 0 && !tok->ambiguous && !tok->open[tok->depth - 1].html_inside;
}

#endif
