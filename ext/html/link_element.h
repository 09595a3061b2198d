/* link_element.h: the elements that can carry a link: `a`, and in Outlook's conditional comments those of VML. */
#ifndef LW_LINK_ELEMENT_H
#define LW_LINK_ELEMENT_H

typedef enum {
  LW_EL_A, LW_EL_RECT, LW_EL_ROUNDRECT, LW_EL_OVAL, LW_EL_SHAPE, LW_EL_LINE, LW_EL_POLYLINE, LW_EL_ARC,
  LW_EL_CURVE, LW_EL_IMAGE, LW_EL_GROUP, LW_EL_NONE
} lw_element;

/* The element's name as it is written in reports ("a", "v:rect", ...). */
const char *lw_element_name(lw_element element);

#endif
