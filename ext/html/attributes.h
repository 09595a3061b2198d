/* attributes.h: the exact attribute lexer, for one tag that lies whole in memory. */
#ifndef LW_ATTRIBUTES_H
#define LW_ATTRIBUTES_H

#include "ascii.h"
#include "fast_scan.h"

enum { LW_OPT_OUT_MAX = 32 };

/* An attribute whose presence (or presence with a value) excludes a link. Lower-case ASCII; value NULL: any. */
typedef struct {
  const char *name, *value;
  size_t name_length, value_length;
} lw_opt_out;

/* The caller's options (link rules, section 6). Borrowed for the length of a call. */
typedef struct {
  uint64_t tag_limit; /* bytes from '<' to '>' inclusive */
  const lw_opt_out *opt_out;
  size_t opt_out_count; /* at most LW_OPT_OUT_MAX; data-as-no-track always counts and is not listed */
  bool outlook;
  bool track_placeholders;
  lw_fast_scan_fn skip; /* one of fast_scan.h, or NULL for the portable path */
} lw_options;

/* What the rules need to know of a tag's attributes. Offsets count from the tag's '<'. */
typedef struct {
  uint64_t value, value_end; /* the href value between its quotes */
  bool has_href, quoted, equals_spaced, opted_out, self_closing;
} lw_tag;

/* Read the tag that begins at `tag` ('<'); its name ends at `p`. Returns one past the '>' and fills `out`;
 * returns NULL when `end` comes first. First attribute of a name wins (HTML, 13.2.5.33). */
const uint8_t *lw_parse_attributes(const uint8_t *tag, const uint8_t *p, const uint8_t *end, const lw_options *options,
                      lw_tag *out);

#endif
