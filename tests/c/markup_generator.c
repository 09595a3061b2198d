/* markup_generator.c: see markup_generator.h. Documents are strings of pieces; each kind favours other pieces. */
#include "markup_generator.h"

#include <string.h>

#include "tokenizer_helpers.h"

typedef struct {
  uint64_t *seed;
  uint8_t *out;
  size_t n, room;
  bool foreign; /* mostly names that matter inside svg and math */
} page;

static const char *const NAMES[] = {
    "a", "A", "a", "a", "abbr", "p", "b", "i", "div", "td", "tr", "table", "span", "img", "br", "font", "svg", "math",
    "mi", "mtext", "desc", "title", "style", "script", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript",
    "foreignObject", "annotation-xml", "mglyph", "v:rect", "v:roundrect", "V:shape", "strong", "section", "s", "x-y",
    "h1", "area", "article", "plaintex", "scrip", "stylee", "svgs", "ti", "st", "sc", "te", "if", "no", "ma", "mo",
};

static const char *const FOREIGN[] = {
    "svg", "math", "g", "a", "a", "a", "title", "desc", "style", "script", "foreignObject", "mi", "mtext", "mglyph",
    "annotation-xml", "font", "p", "br", "svgg", "textarea",
};

static const char *const ATTRIBUTES[] = {
    "href", "HREF", "href", "href", "hre", "hreff", "xlink:href", "class", "style", "width", "data-as-no-track",
    "DATA-AS-NO-TRACK", "data-as-no-trac", "ses:no-track", "clicktracking", "encoding", "color", "a", "x", "-", "@", "[",
    "a.b", "a\"b", "a'b", "a<b", "\xC3\xA9", "1", "==", "a=", "{{", "<",
};

static const char *const VALUES[] = {
    "https://example.com/", "http://h", "https://h/?a=1&amp;b=2", "https://u@h:8/#f", "{{ url }}", "https://{{ h }}/",
    "x>y", "a<b", "a=b", "", " ", "/", "x/", "#", "off", "text/html", "it's", "say \"x\"", "mailto:x@y", "https://h/&#0;",
    "&#104;ttps://h/", "https://h/\t\n", "a='b' c=", "--", "]]>", "color:red;width:600px", "100%", "<a href=",
    "</script>", "\x80\xFF", "https://h/ and sixty-four bytes more, so that a block of the skips lies wholly in it, or two",
};

static const char *const SPACES[] = {" ", " ", " ", "\n", "\t", "\f", "\r\n", "  ", "/", " / ", "", "\v"};

static const char *const EQUALS[] = {"=", "=", "=", "=", " =", "= ", "\n=\t", "==", "", "\f="};

static const char *const WHOLE[] = {
    "<!--", "-->", "--!>", "<!-->", "<!--->", "<!---", "<!", "<?x ", "</ x>", "</>", "<!doctype html>", "<![CDATA[", "]]>",
    "<!--[if mso]>", "<![endif]-->", "<!--[if (gte mso 9)]>", "<!--[IF !x]>", "<!--[if]>", "<", "<a", "</a", "</", "<<a ",
    "</script", "</style>", "</title\n>", "</textarea/>", "</xmp ", "<plaintext>", "<script><!-- <script>", "</svg>",
    "</math>", "</p>", "</br>", "</desc>", "</foreignobject>", "<svg><title>", "<math><mi>", "<svg/>", ">", ">>", "\"",
    "'", "=", "a=\"", "='", " > ", "text", "x < y", "a>b", "\xEF\xBB\xBF",
    "words that stand between the tags of a letter, as long as a block of the skips and some more",
};

#define PICK(page, of) (of)[next_random((page)->seed) % (sizeof(of) / sizeof *(of))]

static size_t dice(page *p, size_t sides) { return (size_t)(next_random(p->seed) >> 32) % sides; }

static void add_bytes(page *p, const void *bytes, size_t n) {
  if (n > p->room - p->n) n = p->room - p->n;
  memcpy(p->out + p->n, bytes, n);
  p->n += n;
}

static void add(page *p, const char *text) { add_bytes(p, text, strlen(text)); }

static void add_attribute(page *p) {
  static const char *const QUOTES[] = {"\"", "\"", "\"", "'", "'", ""};
  const char *quote = PICK(p, QUOTES);
  add(p, PICK(p, SPACES));
  add(p, PICK(p, ATTRIBUTES));
  if (dice(p, 6) == 0) return;
  add(p, PICK(p, EQUALS));
  add(p, quote);
  add(p, PICK(p, VALUES));
  if (dice(p, 30)) add(p, quote);
}

static void add_tag(page *p) {
  bool end_tag = dice(p, 4) == 0;
  add(p, end_tag ? "</" : "<");
  add(p, p->foreign && dice(p, 8) ? PICK(p, FOREIGN) : PICK(p, NAMES));
  for (size_t left = end_tag ? dice(p, 10) / 9 : dice(p, 4); left; left--) add_attribute(p);
  if (dice(p, 10) == 0) add(p, PICK(p, SPACES));
  if (dice(p, 40)) add(p, dice(p, 12) ? ">" : "/>");
}

/* The plain tags that the fast scan passes, as newsletters have them. */
static void add_tidy(page *p) {
  static const char *const TIDY[] = {
      "<td width=\"20\" style=\"padding:0\">", "</td></tr>\n", "<img src=\"https://h/x.png\" alt=\"\">", "<p class=x>",
      "</p>", "<div>", "<br />", "text ", "<td\nwidth=20 valign=\"top\">", "<span data-x=\"a > b\">", "<td a=\"1\"b=\"2\">",
      "<td title='x'>", "<b =\"\">", "<td a==\"x\">", "<td \"x\">", "<td a =\"x\">", "<td a=x\"y\">", "<div/a=\"b\">",
      "<td a=\"<\">", "<td a=\n\"x\">", "<td a=b/>", "<h1 a=b=c>", "<td a=http://h/?q=1>", "<td\fa=\"x\">",
  };
  add(p, PICK(p, TIDY));
}

/* A plain tag with any few bytes between its name and its '>': where a value may only seem to be one. */
static void add_odd_tag(page *p) {
  static const char *const INSIDE[] = {
      " ", "=", "=", "\"", "\"", "=\"", " =\"", "'", "a", "x", "/", "\n", "b=", "=\">", " a=", " a=", " b=\"", " c='", "x ",
  };
  add(p, "<td");
  for (size_t left = 1 + dice(p, 9); left; left--) add(p, PICK(p, INSIDE));
  add(p, ">");
  if (dice(p, 2)) add(p, "<a href=\"https://h\">");
}

static void add_noise(page *p) {
  static const char ALPHABET[] = "\"\"''<<<>>>==//  \n\t-!-[]aAbsx&;?\x00\x0C\r";
  char c = ALPHABET[dice(p, sizeof ALPHABET - 1)];
  add_bytes(p, &c, 1);
}

size_t make_markup(uint64_t *seed, uint8_t *out, size_t room) {
  page p = {seed, out, 0, room, next_random(seed) % 5 == 0};
  size_t wanted = 1 + dice(&p, room), noise = dice(&p, 4) ? 20 : 2, tidy = dice(&p, 3) ? 3 : 1;
  /* shift what follows against the blocks of 64 bytes */
  for (size_t shift = dice(&p, 64); shift; shift--) add(&p, "x");
  if (p.foreign) add(&p, dice(&p, 2) ? "<svg>" : "<math>");
  while (p.n < wanted) {
    if (dice(&p, noise) == 0) add_noise(&p);
    else if (dice(&p, 6) == 0) add_odd_tag(&p);
    else if (dice(&p, tidy) == 0) add_tidy(&p);
    else if (dice(&p, 4) == 0) add(&p, PICK(&p, WHOLE));
    else add_tag(&p);
  }
  return p.n;
}

size_t make_value(uint64_t *seed, uint8_t *out, size_t room) {
  static const char *const PARTS[] = {
      "http", "https", "HTTPS", "://", "//", ":", "@", "/", "\\", "?", "#", "[", "]", "[::1]", "example.com", "www.", ".",
      "&", "&amp;", "&amp", "&copy", "&copy=", "&notit;", "&notin;", "&nGt;", "&nGt;&nGt;&nGt;&nGt;", "&#", "&#x", "&#0;",
      "&#x0", "&#104;", "&#x68", "&#x1F600;", "&#1114112;", "&#xD800;", "&#128;", "&CounterClockwiseContourIntegral;",
      "{{", "{%", "}}", "*|", "[[", "[%", "%%", "<%", "%>", "${", "#{", "<", ">", "^", "|", " ", "\t", "\n", "\r", "\x01",
      "", "\x7F", "\x80", "\xC3\xA9", "\"", "'", "a=1", "%20", "x",
  };
  page p = {seed, out, 0, room, false};
  size_t wanted = dice(&p, room + 1);
  if (dice(&p, 2)) add(&p, dice(&p, 2) ? "https://" : "http://h");
  while (p.n < wanted) {
    const char *part = PICK(&p, PARTS);
    add_bytes(&p, part, *part ? strlen(part) : 1); /* "" stands for the NUL byte */
  }
  return p.n;
}
