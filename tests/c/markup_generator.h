/* markup_generator.h: generated documents that dwell on what a tokenizer can get wrong. */
#ifndef LW_TEST_MARKUP_GENERATOR_H
#define LW_TEST_MARKUP_GENERATOR_H

#include "ascii.h"

/* Writes a document of at most `room` bytes, the same for the same seed everywhere; returns its length and moves
 * the seed on. */
size_t make_markup(uint64_t *seed, uint8_t *out, size_t room);

/* Likewise a value for an href: addresses, references, template markers, controls. */
size_t make_value(uint64_t *seed, uint8_t *out, size_t room);

#endif
