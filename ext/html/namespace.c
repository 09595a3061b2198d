/* namespace.c: the bounded namespace stack. See namespace.h; tag names and rules: HTML, 13.2.6.5. */
#include "namespace.h"

#include <string.h>

#include "charrefs.h"

enum { SVG = 1, MATH = 2 };                      /* lw_foreign.ns */
enum { NOT_INTEGRATION, HTML_POINT, TEXT_POINT }; /* lw_foreign.integration */

typedef struct {
  const char *name;
  lw_name is;
} entry;

#define RAW(kind) {.raw = kind}
#define BREAKOUT {.breakout = true}
#define POINT(kind, in) {.integration = kind, .integration_namespace = in}

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
    {"title", {.raw = LW_RAW_RCDATA, .integration = HTML_POINT, .integration_namespace = SVG}},
    {"tt", BREAKOUT},
    {"u", BREAKOUT},
    {"ul", BREAKOUT},
    {"var", BREAKOUT},
    {"xmp", RAW(LW_RAW_TEXT)},
};

static bool named(const lw_tokenizer *tok, const char *name) {
  size_t n = strlen(name);
  return tok->name_length == n && memcmp(tok->name, name, n) == 0;
}

static lw_name look_up(const lw_tokenizer *tok) {
  size_t low = 0, high = sizeof NAMES / sizeof *NAMES;
  if (tok->name_length >= LW_NAME_MAX) return (lw_name){0};
  if (memchr(tok->name, 0, tok->name_length)) return (lw_name){0}; /* strncmp would stop at it and call it equal */
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = strncmp(NAMES[middle].name, (const char *)tok->name, tok->name_length);
    if (order == 0) order = NAMES[middle].name[tok->name_length] != 0;
    if (order == 0) return NAMES[middle].is;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return (lw_name){0};
}

static lw_foreign *top(lw_tokenizer *tok) { return tok->depth ? &tok->open[tok->depth - 1] : NULL; }

static bool in_html(const lw_tokenizer *tok) {
  return tok->depth == 0 || tok->open[tok->depth - 1].integration != NOT_INTEGRATION;
}

bool lw_must_watch_attributes(const lw_tokenizer *tok) {
  return tok->depth > 0 && !tok->end_tag && (named(tok, "font") || named(tok, "annotation-xml"));
}

static void push(lw_tokenizer *tok, uint8_t ns, uint8_t integration) {
  if (tok->self_closing) return;
  if (tok->depth == LW_DEPTH) {
    tok->ambiguous = 1;
    return;
  }
  tok->open[tok->depth++] = (lw_foreign){.name = tok->hash, .ns = ns, .integration = integration};
}

static bool encoding_is_html(const lw_tokenizer *tok) {
  uint8_t decoded[2 * LW_VALUE_MAX + 8];
  if (tok->value_length > LW_VALUE_MAX) return false;
  size_t n = lw_decode_charrefs(tok->value, tok->value_length, decoded);
  return (n == 9 && lw_equals_nocase(decoded, "text/html", n)) ||
         (n == 21 && lw_equals_nocase(decoded, "application/xhtml+xml", n));
}

static void push_foreign(lw_tokenizer *tok, lw_name is, uint8_t ns) {
  uint8_t kind = is.integration_namespace == ns ? is.integration : NOT_INTEGRATION;
  if (ns == MATH && named(tok, "annotation-xml") && tok->encoding_seen && encoding_is_html(tok))
    kind = HTML_POINT;
  push(tok, ns, kind);
}

static uint8_t start_in_html(lw_tokenizer *tok, lw_name is) {
  if (is.svg || is.math) {
    push(tok, is.svg ? SVG : MATH, NOT_INTEGRATION);
    return LW_RAW_NONE;
  }
  if (tok->depth) top(tok)->html_inside = 1;
  return is.raw;
}

/* Outside svg and math only names with these first letters move anything: nearly no tag is looked up. */
static bool cannot_matter(const lw_tokenizer *tok) {
  return tok->depth == 0 && (tok->name_length < 3 || memchr("imnpstx", tok->name[0], 7) == NULL);
}

uint8_t lw_namespace_start_tag(lw_tokenizer *tok) {
  if (cannot_matter(tok)) return LW_RAW_NONE;
  lw_name is = look_up(tok);
  if (tok->depth == 0) return start_in_html(tok, is);
  lw_foreign *current = top(tok);
  bool svg_in_annotation = is.svg && current->ns == MATH && current->integration == NOT_INTEGRATION &&
                           current->name == lw_hash_name("annotation-xml");
  bool math_glyph = current->integration == TEXT_POINT && (named(tok, "mglyph") || named(tok, "malignmark"));
  if (math_glyph && current->html_inside) tok->ambiguous = 1; /* it is math only directly inside the point */
  if ((in_html(tok) && !math_glyph) || svg_in_annotation) return start_in_html(tok, is);
  if (is.breakout || (is.font && tok->font_breaks)) {
    while (!in_html(tok)) tok->depth--;
    return start_in_html(tok, is);
  }
  push_foreign(tok, is, current->ns);
  return tok->ambiguous ? is.raw : LW_RAW_NONE;
}

void lw_namespace_end_tag(lw_tokenizer *tok) {
  if (tok->depth == 0) return;
  if (!in_html(tok) && (named(tok, "p") || named(tok, "br"))) {
    while (!in_html(tok)) tok->depth--;
    return;
  }
  const lw_foreign *current = top(tok);
  bool html_may_be_open = current->integration != NOT_INTEGRATION && current->html_inside;
  for (int i = tok->depth - 1; i >= 0; i--) {
    const lw_foreign *candidate = &tok->open[i];
    if (candidate->integration != NOT_INTEGRATION && candidate->html_inside) tok->ambiguous = 1;
    if (candidate->name != tok->hash) continue;
    if (html_may_be_open && i < tok->depth - 1) return; /* ignored by HTML's rules; `ambiguous` is set */
    tok->depth = (uint8_t)i;
    return;
  }
  if (!html_may_be_open) tok->ambiguous = 1; /* it may have closed an HTML element around the foreign ones */
}
