/* plain_headers.h: a header block that all readers take alike, as nearly all do. */
#ifndef LW_PLAIN_HEADERS_H
#define LW_PLAIN_HEADERS_H

#include <stddef.h>
#include <stdint.h>

/* A field of interest: bytes `start` to `end` with its continuations; its value begins at `value`. `name`: its number
 * in LW_HEADER_NAMES. */
typedef struct {
  size_t name, start, value, end;
} lw_header_field;

enum { LW_HEADER_NAME_COUNT = 8, LW_MAX_HEADER_FIELDS = 16 };

/* The headers that decide what a part is, that state lengths, or that sign the body, in lower case. */
extern const char *const LW_HEADER_NAMES[LW_HEADER_NAME_COUNT];

/* Read the block at bytes[start]: "From " lines, headers with their continuations, and an empty line, with neither NUL
 * nor lone CR. Returns where the body begins, or SIZE_MAX for any other block, one that is not over before `end`, or
 * one with more than LW_MAX_HEADER_FIELDS fields of interest. These are written to `fields`, as many as `*count`. */
size_t lw_plain_headers(const uint8_t *bytes, size_t start, size_t end, lw_header_field *fields, size_t *count);

#endif
