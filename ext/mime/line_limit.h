/* line_limit.h: whether lines stay within a limit when replacements are made. */
#ifndef LW_LINE_LIMIT_H
#define LW_LINE_LIMIT_H

#include "replacement.h"

/* Whether every line of text[0..n) that is changed has at most `limit` bytes before its LF, as in nearly all mail. May
 * be 0 for lines that fit: with a CR at their end, or where a replaced value has line ends. */
int lw_lines_fit(const uint8_t *text, size_t n, const lw_replacement *replacements, size_t count, size_t limit);

#endif
