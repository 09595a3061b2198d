/* link_element.c: which elements can carry a link, by the tag's name. Which names the fast scan must not pass stands in
 * fast_scan_masks.h. */
#include "link_element.h"

#include <string.h>

#include "tokenizer_internal.h"

static const char *const ELEMENTS[] = {"a",      "v:rect",     "v:roundrect", "v:oval",  "v:shape", "v:line",
                                       "v:polyline", "v:arc", "v:curve",     "v:image", "v:group"};

const char *lw_element_name(lw_element element) { return element < LW_EL_NONE ? ELEMENTS[element] : ""; }

lw_element lw_link_element(const lw_tokenizer *tok, bool in_conditional) {
  if (tok->end_tag) return LW_EL_NONE;
  if (tok->name_length == 1 && tok->name[0] == 'a') return LW_EL_A;
  if (!in_conditional || tok->name_length > LW_NAME_MAX || tok->name[0] != 'v') return LW_EL_NONE;
  for (int i = LW_EL_RECT; i < LW_EL_NONE; i++)
    if (strlen(ELEMENTS[i]) == tok->name_length && memcmp(ELEMENTS[i], tok->name, tok->name_length) == 0)
      return (lw_element)i;
  return LW_EL_NONE;
}

bool lw_may_become_link(const lw_tokenizer *tok, bool in_conditional) {
  if (tok->state == LW_TAG_OPEN) return true;
  if (tok->state < LW_TAG_NAME || tok->state > LW_SELF_CLOSING || tok->end_tag) return false;
  if (tok->state != LW_TAG_NAME) return lw_link_element(tok, in_conditional) != LW_EL_NONE;
  if (tok->name_length > LW_NAME_MAX) return false;
  for (int i = 0; i < (in_conditional ? LW_EL_NONE : 1); i++)
    if (strlen(ELEMENTS[i]) >= tok->name_length && memcmp(ELEMENTS[i], tok->name, tok->name_length) == 0) return true;
  return false;
}

bool lw_link_is_open(const lw_tokenizer *tok, bool in_conditional) {
  return tok->state > LW_TAG_NAME && tok->state <= LW_SELF_CLOSING &&
         lw_link_element(tok, in_conditional) != LW_EL_NONE;
}
