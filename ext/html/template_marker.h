/* template_marker.h: the template markers of the link rules (section 2): nobody knows what they will become. */
#ifndef LW_TEMPLATE_MARKER_H
#define LW_TEMPLATE_MARKER_H

#include "ascii.h"

/* Does the text begin with a marker? */
bool lw_starts_with_marker(const uint8_t *p, const uint8_t *end);

/* Does one begin in [p, to)? Where `to` is the '#' that ends an authority, it may also begin there. "[name]" is none. */
bool lw_marker_in_authority(const uint8_t *p, const uint8_t *to, const uint8_t *end);

/* Does one stand in the text behind the host? It begins with what ends an authority. */
bool lw_marker_after_host(const uint8_t *p, const uint8_t *end);

/* Does a '-' follow a delimiter? Where there is no other byte of a marker, only then a look is worth it: nearly all
 * addresses of articles contain a '-', and this costs them less than a byte-wise search. */
bool lw_may_have_dash_marker(const uint8_t *p, const uint8_t *end);

/* Length of "[name]" at p, or 0. */
size_t lw_bracketed_name(const uint8_t *p, const uint8_t *end);

#endif
