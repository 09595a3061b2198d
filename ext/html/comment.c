/* comment.c: comments, bogus comments, CDATA sections: everything that begins with "<!" or "<?". */
#include <string.h>

#include "namespace.h"
#include "tokenizer_internal.h"

/* HTML, 13.2.5.43-53. The "less-than sign" states of nested comments end a comment where these do. */
lw_state lw_comment_step(lw_state state, uint8_t c) {
  switch (state) {
    case LW_COMMENT_START:
      return c == '-' ? LW_COMMENT_START_DASH : c == '>' ? LW_DATA : LW_COMMENT;
    case LW_COMMENT_START_DASH:
      return c == '-' ? LW_COMMENT_END : c == '>' ? LW_DATA : LW_COMMENT;
    case LW_COMMENT_END_DASH:
      return c == '-' ? LW_COMMENT_END : LW_COMMENT;
    case LW_COMMENT_END:
      return c == '>' ? LW_DATA : c == '!' ? LW_COMMENT_END_BANG : c == '-' ? LW_COMMENT_END : LW_COMMENT;
    case LW_COMMENT_END_BANG:
      return c == '-' ? LW_COMMENT_END_DASH : c == '>' ? LW_DATA : LW_COMMENT;
    default:
      return c == '-' ? LW_COMMENT_END_DASH : LW_COMMENT;
  }
}

const uint8_t *lw_comment_skip(lw_state *state, const uint8_t *p, const uint8_t *end) {
  for (; p < end; p++) {
    if (*state == LW_COMMENT) {
      p = memchr(p, '-', (size_t)(end - p));
      if (p == NULL) return end;
    }
    lw_state next = lw_comment_step(*state, *p);
    if (next == LW_DATA) return p;
    *state = next;
  }
  return end;
}

static const uint8_t *skip_cdata(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  while (p < end) {
    uint8_t c = *p++;
    if (tok->state == LW_CDATA && c != ']') {
      p = memchr(p, ']', (size_t)(end - p));
      if (p == NULL) return end;
    } else if (tok->state == LW_CDATA) {
      tok->state = LW_CDATA_BRACKET;
    } else if (tok->state == LW_CDATA_BRACKET) {
      tok->state = c == ']' ? LW_CDATA_END : LW_CDATA;
    } else if (c == '>') {
      tok->state = LW_DATA;
      return p;
    } else if (c != ']') {
      tok->state = LW_CDATA;
    }
  }
  return p;
}

/* Behind "<!": a comment, a CDATA section where one may be, else a bogus comment or doctype; both of the latter
 * end at the first '>' (HTML, 13.2.5.42). */
static const uint8_t *read_declaration(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  static const char CDATA[] = "[CDATA[";
  while (p < end) {
    bool dashes = tok->matched == 0 || tok->escape;
    if (dashes && *p == '-') {
      p++;
      if (tok->matched++ == 0) {
        tok->escape = 1; /* here: the first of two dashes was seen */
        continue;
      }
      tok->state = LW_COMMENT_START;
    } else if (!tok->escape && lw_cdata_allowed(tok) && *p == (uint8_t)CDATA[tok->matched]) {
      p++;
      if (++tok->matched < sizeof CDATA - 1) continue;
      tok->state = lw_cdata_certain(tok) ? LW_CDATA : LW_PLAINTEXT;
    } else {
      tok->state = LW_BOGUS_COMMENT;
    }
    tok->escape = 0;
    return p;
  }
  return p;
}

const uint8_t *lw_markup_states(lw_tokenizer *tok, const uint8_t *p, const uint8_t *end) {
  if (tok->state == LW_DECLARATION) return read_declaration(tok, p, end);
  if (tok->state == LW_BOGUS_COMMENT) {
    const uint8_t *close = memchr(p, '>', (size_t)(end - p));
    if (close == NULL) return end;
    tok->state = LW_DATA;
    return close + 1;
  }
  if (tok->state >= LW_CDATA) return skip_cdata(tok, p, end);
  lw_state state = (lw_state)tok->state;
  p = lw_comment_skip(&state, p, end);
  tok->state = (uint8_t)(p < end ? LW_DATA : state);
  return p < end ? p + 1 : p;
}
