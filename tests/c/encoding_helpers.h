/* encoding_helpers.h: what must hold of any quoted-printable, base64 and search. Shared with the fuzz target. */
#ifndef LW_TEST_ENCODING_HELPERS_H
#define LW_TEST_ENCODING_HELPERS_H

#include <stddef.h>
#include <stdint.h>

/* A part is refused (returns 0), or its text, spliced with replacements chosen by the seed, is what the spliced part
 * decodes to (returns 1), in lines that are no longer than they must be. Every range has exactly the announced size. */
int check_quoted(const uint8_t *bytes, size_t n, uint64_t seed);

/* Every variant refuses a part (returns 0) or finds the same content in it (returns 1), in exactly its room. */
int check_base64(const uint8_t *bytes, size_t n);

/* Content written by every variant, in lines, is the same text, and decodes to itself. */
void check_content(const uint8_t *bytes, size_t n, size_t column, size_t width, int crlf);

/* A needle is found where comparing at each place finds it. */
void check_search(const uint8_t *bytes, size_t n, const uint8_t *needle, size_t m);

/* A part of the given encoding that is right, or nearly; at most `room` bytes, its size is returned. */
size_t make_quoted(uint64_t *seed, uint8_t *out, size_t room);
size_t make_base64(uint64_t *seed, uint8_t *out, size_t room);

#endif
