/* tokenizer.h: the link scanner. Bytes of an HTML document in, spans of its link tags out.
 *
 * This header is the manual. The scanner follows the HTML standard's tokenizer closely enough to know where an
 * `a` start tag really is one: comments, raw text, scripts with their escapes, CDATA, and the little of the tree
 * builder on which those depend (a bounded stack of svg and math elements, see namespace.h). It decides nothing about
 * destinations; attributes.h reads a tag's attributes, destination_class.h its destination.
 *
 * It allocates nothing, calls nobody back, and never reads outside the buffer it is given. All state lies in
 * `lw_scan`, which is valid when zeroed. It can be stopped and resumed at any byte.
 *
 *   lw_scan s = {0};
 *   for each chunk:
 *     size_t at = 0;
 *     do { at += lw_scan_feed(&s, &options, chunk + at, size - at, &out); use out.spans; out.count = 0; }
 *     while (at < size);
 *     retain the chunk's bytes from `lw_scan_retain_from(&s, &options)` on: an open tag may turn out to be a link
 *   lw_scan_finish(&s, &out);
 */
#ifndef LW_TOKENIZER_H
#define LW_TOKENIZER_H

#include "ascii.h"
#include "attributes.h"
#include "link_element.h"

enum { LW_DEPTH = 32, LW_NAME_MAX = 16, LW_VALUE_MAX = 64 };

#define LW_RETAIN_NOTHING UINT64_MAX

/* How a span was found, and so what is left to do with it. */
typedef enum {
  LW_SPAN_COMPLETE,    /* the whole tag lay in the buffer: `tag` is filled */
  LW_SPAN_SPLIT,       /* the tag began in an earlier chunk: the caller joins its bytes and parses its attributes */
  LW_SPAN_TOO_LONG,    /* longer than the limit; its bytes need not have been retained */
  LW_SPAN_UNTERMINATED /* the document (or conditional comment) ends inside the tag */
} lw_span_kind;

/* One link tag. Offsets count from the first byte ever fed. `end` is one past its '>', or the document's end. */
typedef struct {
  uint64_t start, end;
  lw_tag tag; /* offsets relative to `start` */
  uint8_t kind, element;
} lw_span;

/* The caller's array; the scanner returns early when it is full. */
typedef struct {
  lw_span *spans;
  size_t count, capacity;
} lw_spans;

/* A foreign (svg, math) element that is open. */
typedef struct {
  uint64_t name; /* hash of its lower-case name */
  uint8_t ns, integration, html_inside;
} lw_foreign;

/* One document being tokenized. Private; here so that it can live on the stack. */
typedef struct {
  uint64_t tag_start;
  uint64_t hash;
  lw_foreign open[LW_DEPTH];
  uint8_t depth, ambiguous;
  uint8_t state;
  uint8_t end_tag, self_closing, watch_attributes, font_breaks, encoding_seen;
  uint8_t raw, escape, dashes, matched;
  uint8_t name_length, attribute_length, value_length;
  uint8_t name[LW_NAME_MAX], attribute[LW_NAME_MAX], value[LW_VALUE_MAX];
} lw_tokenizer;

/* A scan in progress. */
typedef struct {
  lw_tokenizer document, conditional_comment; /* the inside of a conditional comment is a document of its own */
  uint64_t offset; /* bytes consumed so far */
  uint64_t conditional_until; /* how far the inside is known to reach */
  uint8_t conditional, conditional_matched, comment, conditional_closes;
} lw_scan;

/* Consume bytes of `buffer` until all are consumed or `out` is full; returns how many were.
 * Precondition: out->count < out->capacity. */
size_t lw_scan_feed(lw_scan *scan, const lw_options *options, const uint8_t *buffer, size_t size, lw_spans *out);

/* The document ends here: a link tag still open is reported as LW_SPAN_UNTERMINATED. Needs room for one span. */
void lw_scan_finish(lw_scan *scan, lw_spans *out);

/* Absolute offset of the '<' of a tag that is open and may be a link, or LW_RETAIN_NOTHING. */
uint64_t lw_scan_open_tag(const lw_scan *scan);

/* The same, but LW_RETAIN_NOTHING for a tag beyond the limit: its bytes are not needed. */
uint64_t lw_scan_retain_from(const lw_scan *scan, const lw_options *options);

#endif
