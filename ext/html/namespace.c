/* namespace.c: the bounded namespace stack. See namespace.h; tag names and rules: HTML, 13.2.6.5. */
#include "namespace.h"

#include <string.h>

#include "charrefs.h"

enum { SVG = 1, MATH = 2 };                      /* lw_foreign.space */
enum { NOT_INTEGRATION, HTML_POINT, TEXT_POINT }; /* lw_foreign.integration */

typedef struct {
  const char *name;
  lw_name is;
} entry;

#define RAW(kind) {.raw = kind}
#define BREAKOUT {.breakout = true}
#define POINT(kind, in) {.integration = kind, .integration_space = in}

/* In byte order, for the binary search. */
static const entry NAMES[] = {
    {"b", BREAKOUT},
    {"big", BREAKOUT},
    {"blockquote", BREAKOUT},
    {"body", BREAKOUT},
    {"br", BREAKOUT},
    {"center", BREAKOUT},
    {"code", BREAKOUT},
    {"dd", BREAKOUT},
    {"desc", POINT(HTML_POINT, SVG)},
    {"div", BREAKOUT},
    {"dl", BREAKOUT},
    {"dt", BREAKOUT},
    {"em", BREAKOUT},
    {"embed", BREAKOUT},
    {"font", {.font = true}},
    {"foreignobject", POINT(HTML_POINT, SVG)},
    {"h1", BREAKOUT},
    {"h2", BREAKOUT},
    {"h3", BREAKOUT},
    {"h4", BREAKOUT},
    {"h5", BREAKOUT},
    {"h6", BREAKOUT},
    {"head", BREAKOUT},
    {"hr", BREAKOUT},
    {"i", BREAKOUT},
    {"iframe", RAW(LW_RAW_TEXT)},
    {"img", BREAKOUT},
    {"li", BREAKOUT},
    {"listing", BREAKOUT},
    {"math", {.math = true}},
    {"menu", BREAKOUT},
    {"meta", BREAKOUT},
    {"mi", POINT(TEXT_POINT, MATH)},
    {"mn", POINT(TEXT_POINT, MATH)},
    {"mo", POINT(TEXT_POINT, MATH)},
    {"ms", POINT(TEXT_POINT, MATH)},
    {"mtext", POINT(TEXT_POINT, MATH)},
    {"nobr", BREAKOUT},
    {"noembed", RAW(LW_RAW_TEXT)},
    {"noframes", RAW(LW_RAW_TEXT)},
    {"ol", BREAKOUT},
    {"p", BREAKOUT},
    {"plaintext", RAW(LW_RAW_PLAINTEXT)},
    {"pre", BREAKOUT},
    {"ruby", BREAKOUT},
    {"s", BREAKOUT},
    {"script", RAW(LW_RAW_SCRIPT)},
    {"small", BREAKOUT},
    {"span", BREAKOUT},
    {"strike", BREAKOUT},
    {"strong", BREAKOUT},
    {"style", RAW(LW_RAW_TEXT)},
    {"sub", BREAKOUT},
    {"sup", BREAKOUT},
    {"svg", {.svg = true}},
    {"table", BREAKOUT},
    {"textarea", RAW(LW_RAW_RCDATA)},
    {"title", {.raw = LW_RAW_RCDATA, .integration = HTML_POINT, .integration_space = SVG}},
    {"tt", BREAKOUT},
    {"u", BREAKOUT},
    {"ul", BREAKOUT},
    {"var", BREAKOUT},
    {"xmp", RAW(LW_RAW_TEXT)},
};

static bool named(const lw_doc *doc, const char *name) {
  size_t n = strlen(name);
  return doc->name_length == n && memcmp(doc->name, name, n) == 0;
}

static lw_name look_up(const lw_doc *doc) {
  size_t low = 0, high = sizeof NAMES / sizeof *NAMES;
  if (doc->name_length >= LW_NAME_MAX) return (lw_name){0};
  if (memchr(doc->name, 0, doc->name_length)) return (lw_name){0}; /* strncmp would stop at it and call it equal */
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = strncmp(NAMES[middle].name, (const char *)doc->name, doc->name_length);
    if (order == 0) order = NAMES[middle].name[doc->name_length] != 0;
    if (order == 0) return NAMES[middle].is;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return (lw_name){0};
}

static lw_foreign *top(lw_doc *doc) { return doc->depth ? &doc->open[doc->depth - 1] : NULL; }

static bool in_html(const lw_doc *doc) {
  return doc->depth == 0 || doc->open[doc->depth - 1].integration != NOT_INTEGRATION;
}

bool lw_needs_watch(const lw_doc *doc) {
  return doc->depth > 0 && !doc->end_tag && (named(doc, "font") || named(doc, "annotation-xml"));
}

static void push(lw_doc *doc, uint8_t space, uint8_t integration) {
  if (doc->self_closing) return;
  if (doc->depth == LW_DEPTH) {
    doc->doubt = 1;
    return;
  }
  doc->open[doc->depth++] = (lw_foreign){.name = doc->hash, .space = space, .integration = integration};
}

static bool encoding_is_html(const lw_doc *doc) {
  uint8_t decoded[2 * LW_VALUE_MAX + 8];
  if (doc->value_length > LW_VALUE_MAX) return false;
  size_t n = lw_decode(doc->value, doc->value_length, decoded);
  return (n == 9 && lw_equals_nocase(decoded, "text/html", n)) ||
         (n == 21 && lw_equals_nocase(decoded, "application/xhtml+xml", n));
}

static void push_foreign(lw_doc *doc, lw_name is, uint8_t space) {
  uint8_t kind = is.integration_space == space ? is.integration : NOT_INTEGRATION;
  if (space == MATH && named(doc, "annotation-xml") && doc->encoding_seen && encoding_is_html(doc))
    kind = HTML_POINT;
  push(doc, space, kind);
}

static uint8_t start_in_html(lw_doc *doc, lw_name is) {
  if (is.svg || is.math) {
    push(doc, is.svg ? SVG : MATH, NOT_INTEGRATION);
    return LW_RAW_NONE;
  }
  if (doc->depth) top(doc)->html_inside = 1;
  return is.raw;
}

/* Outside svg and math only names with these first letters move anything: nearly no tag is looked up. */
static bool cannot_matter(const lw_doc *doc) {
  return doc->depth == 0 && (doc->name_length < 3 || memchr("imnpstx", doc->name[0], 7) == NULL);
}

uint8_t lw_space_start(lw_doc *doc) {
  if (cannot_matter(doc)) return LW_RAW_NONE;
  lw_name is = look_up(doc);
  if (doc->depth == 0) return start_in_html(doc, is);
  lw_foreign *current = top(doc);
  bool svg_in_annotation = is.svg && current->space == MATH && current->integration == NOT_INTEGRATION &&
                           current->name == lw_hash_name("annotation-xml");
  bool math_glyph = current->integration == TEXT_POINT && (named(doc, "mglyph") || named(doc, "malignmark"));
  if (math_glyph && current->html_inside) doc->doubt = 1; /* it is math only directly inside the point */
  if ((in_html(doc) && !math_glyph) || svg_in_annotation) return start_in_html(doc, is);
  if (is.breakout || (is.font && doc->font_breaks)) {
    while (!in_html(doc)) doc->depth--;
    return start_in_html(doc, is);
  }
  push_foreign(doc, is, current->space);
  return doc->doubt ? is.raw : LW_RAW_NONE;
}

void lw_space_end(lw_doc *doc) {
  if (doc->depth == 0) return;
  if (!in_html(doc) && (named(doc, "p") || named(doc, "br"))) {
    while (!in_html(doc)) doc->depth--;
    return;
  }
  const lw_foreign *current = top(doc);
  bool html_may_be_open = current->integration != NOT_INTEGRATION && current->html_inside;
  for (int i = doc->depth - 1; i >= 0; i--) {
    const lw_foreign *candidate = &doc->open[i];
    if (candidate->integration != NOT_INTEGRATION && candidate->html_inside) doc->doubt = 1;
    if (candidate->name != doc->hash) continue;
    if (html_may_be_open && i < doc->depth - 1) return; /* ignored by HTML's rules; doubt is set */
    doc->depth = (uint8_t)i;
    return;
  }
  if (!html_may_be_open) doc->doubt = 1; /* it may have closed an HTML element around the foreign ones */
}
