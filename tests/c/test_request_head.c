/* test_request_head.c: a plain head is read whole or not at all, and never a byte behind it. */
#include <string.h>

#include "check.h"
#include "guard_pages.h"
#include "request_head.h"
#include "test_list.h"

static const char PLAIN[] =
    "GET /c/Ab_-9?x=%20 HTTP/1.1\r\nHost: a\r\nX:\r\nUser-Agent: \t b c \t\r\nConnection: KEEP-alive\r\n\r\n";

static size_t parse(const memory *where, const char *text, size_t n, lw_request_head *head) {
  memset(head, 0xa5, sizeof *head); /* nothing is taken over from before */
  const uint8_t *bytes = where->place((const uint8_t *)text, n);
  size_t length = lw_request_head_parse(bytes, n, head);
  CHECK(length <= n);
  if (where->release) where->release(bytes);
  return length;
}

void plain_heads_are_read_whole_or_not_at_all(void) {
  static const memory *const PLACES[] = {&ENDS_AT_GUARD, &BEGINS_AT_GUARD};
  lw_request_head head;
  for (size_t i = 0; i < 2; i++) {
    for (size_t n = 0; n < sizeof PLAIN - 1; n++) CHECK(parse(PLACES[i], PLAIN, n, &head) == 0);
    CHECK(parse(PLACES[i], PLAIN, sizeof PLAIN - 1, &head) == sizeof PLAIN - 1);
    CHECK(head.fields == 4 && !head.closes && !head.is_head && head.minor == 1);
    CHECK(head.path.length == 8 && head.values[1].length == 0 && head.values[2].length == 3);
  }
}

void heads_that_are_not_plain_are_left_alone(void) {
  static const char *const OTHERS[] = {
      "POST /c/a HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET  /c/a HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET c/a HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /c/%61 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /c/a HTTP/1.2\r\nHost: a\r\n\r\n",
      "GET /c/a HTTP/1.1\nHost: a\r\n\r\n",
      "GET /c/a HTTP/1.1\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nUPGRADE: x\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\n\r\n",
      "GET /c/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: close\r\n\r\n",
  };
  lw_request_head head;
  for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
    CHECK(parse(&ENDS_AT_GUARD, OTHERS[i], strlen(OTHERS[i]), &head) == 0);
  char many[LW_HEAD_MAX_FIELDS * 8 + 64] = "GET / HTTP/1.0\r\n";
  for (int i = 0; i < LW_HEAD_MAX_FIELDS; i++) strcat(many, "X: a\r\n");
  size_t n = strlen(many);
  CHECK(parse(&ENDS_AT_GUARD, strcat(many, "\r\n"), n + 2, &head) == n + 2 && head.closes);
  strcpy(many + n, "X: a\r\n\r\n");
  CHECK(parse(&ENDS_AT_GUARD, many, n + 8, &head) == 0);
}
