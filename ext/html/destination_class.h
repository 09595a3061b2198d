/* destination_class.h: the decision table of the link rules (section 2), for one tag. */
#ifndef LW_DESTINATION_CLASS_H
#define LW_DESTINATION_CLASS_H

#include "tokenizer.h"

/* The outcomes that bytes alone decide, in the order of the table. LW_TRACKED: nothing speaks against the link. */
typedef enum {
  LW_TRACKED, LW_UNTERMINATED, LW_TOO_LONG, LW_NO_HREF, LW_OPTED_OUT, LW_UNQUOTED, LW_SPACED_EQUALS,
  LW_PLACEHOLDER, LW_NOT_HTTP, LW_NO_HOST, LW_MALFORMED, LW_TOO_LONG_DESTINATION,
  LW_OUTCOMES
} lw_outcome;

/* Bytes of a destination; longer ones no mail client or proxy carries. */
#define LW_MAX_DESTINATION_BYTES 8000

/* MARKER: a template marker follows the host. PORT: the port is no number up to 65535. SCHEME: the host is "http". */
enum { LW_WARN_MARKER = 1, LW_WARN_PORT = 2, LW_WARN_SCHEME = 4 };

/* A classified link. The destination is decoded and stripped; it lies in the tag itself where nothing had to be
 * decoded, else in the caller's scratch; NUL bytes in it stand for U+FFFD. NULL where the href has no quoted value. */
typedef struct {
  const uint8_t *destination;
  size_t length;
  uint8_t outcome;
  uint8_t warnings;     /* LW_WARN_*: what to look at if the link is tracked all the same */
  bool ascii;           /* the raw value is ASCII: its charset does not matter */
} lw_classification;

/* Bytes of scratch that classifying a value of `n` raw bytes may need. */
size_t lw_scratch_bound(size_t n);

/* Classify a span whose `tag` is filled (or whose kind needs none). `bytes` is the tag's '<'. */
void lw_classify(const lw_span *span, const uint8_t *bytes, const lw_options *options, uint8_t *scratch,
              lw_classification *out);

/* Classify an href value alone, as if it stood quoted in a tag without opt-out. */
void lw_classify_value(const uint8_t *value, size_t length, const lw_options *options, uint8_t *scratch,
                    lw_classification *out);

#endif
