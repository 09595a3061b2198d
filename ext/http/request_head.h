/* request_head.h: reads the head of an HTTP/1 request of the plainest kind, and leaves all others to a full parser.
 *
 * What it takes, RFC 9112 lets every server read in one way only: GET or HEAD, a target in origin form without
 * percent-encoding, fields on one line each, no body, and nothing that asks for an interim answer or another protocol.
 * What it does not take may be wrong, incomplete or only unusual.
 */
#ifndef LW_REQUEST_HEAD_H
#define LW_REQUEST_HEAD_H

#include <stddef.h>
#include <stdint.h>

enum {
  LW_HEAD_MAX_FIELDS = 64,        /* browsers and proxies send some thirty */
  LW_HEAD_MAX_BYTES = 16 * 1024,  /* of a whole head */
};

typedef struct {
  const uint8_t *at;
  size_t length;
} lw_head_part;

typedef struct {
  int is_head, minor; /* HEAD, not GET; 1 of HTTP/1.1 */
  int closes;         /* the connection ends with the answer */
  lw_head_part path;       /* up to a `?` */
  size_t fields;
  lw_head_part names[LW_HEAD_MAX_FIELDS], values[LW_HEAD_MAX_FIELDS]; /* values without the white space around them */
} lw_request_head;

/* The length of the head that `bytes` begins with; 0 when that is not a whole one of this kind. `head` refers to
 * `bytes`. */
size_t lw_request_head_parse(const uint8_t *bytes, size_t n, lw_request_head *head);

#endif
