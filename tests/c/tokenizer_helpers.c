/* tokenizer_helpers.c: see tokenizer_helpers.h. */
#include "tokenizer_helpers.h"

#include <string.h>

#include "check.h"

enum { CAPACITY_MAX = 64 };

uint64_t next_random(uint64_t *state) {
  uint64_t x = *state ? *state : 0x9E3779B97F4A7C15;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545F4914F6CDD1D;
}

lw_fast_scan_fn usable_skip(size_t i) {
  for (const lw_fast_scan_variant *v = LW_FAST_SCAN_VARIANTS; v->name; v++)
    if (v->usable() && i-- == 0) return v->skip;
  return NULL;
}

static const uint8_t *copy_to_heap(const uint8_t *bytes, size_t n) {
  uint8_t *copy = lw_test_room(n);
  memcpy(copy, bytes, n);
  return copy;
}

static void release_from_heap(const uint8_t *placed) { free((void *)(uintptr_t)placed); }

static const memory HEAP = {copy_to_heap, release_from_heap};

static uint64_t hash_of(const uint8_t *p, size_t n) {
  uint64_t hash = 0xCBF29CE484222325;
  for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * 0x100000001B3;
  return hash;
}

/* The tag's bytes must be what the span says, whoever found it. */
static void check_shape(const lw_span *span, const uint8_t *tag) {
  const char *name = lw_element_name((lw_element)span->element);
  size_t length = strlen(name), size = (size_t)(span->end - span->start);
  CHECK(span->element < LW_EL_NONE);
  CHECK(size > length + 1);
  CHECK(tag[0] == '<' && lw_equals_nocase(tag + 1, name, length) && lw_is_name_end(tag[1 + length]));
  CHECK(span->kind == LW_SPAN_UNTERMINATED || tag[size - 1] == '>');
  if (!span->tag.quoted) return;
  const uint8_t *value = tag + span->tag.value, *value_end = tag + span->tag.value_end;
  CHECK(span->tag.has_href);
  CHECK(span->tag.value > length + 1 && span->tag.value <= span->tag.value_end && span->tag.value_end < size);
  CHECK((value[-1] == '"' || value[-1] == '\'') && *value_end == value[-1]);
  CHECK(memchr(value, value[-1], (size_t)(value_end - value)) == NULL);
}

/* Classify with exactly the scratch of lw_scratch_bound. */
static void classify(const lw_span *span, const uint8_t *tag, const lw_options *options, finding *out) {
  size_t size = (size_t)(span->end - span->start), raw = (size_t)(span->tag.value_end - span->tag.value);
  uint8_t *scratch = lw_test_room(lw_scratch_bound(raw));
  lw_classification classification;
  lw_classify(span, tag, options, scratch, &classification);
  CHECK(classification.outcome < LW_OUTCOMES);
  CHECK((span->kind == LW_SPAN_UNTERMINATED) == (classification.outcome == LW_UNTERMINATED));
  CHECK((span->kind == LW_SPAN_TOO_LONG) == (classification.outcome == LW_TOO_LONG));
  if (classification.outcome == LW_TRACKED) {
    CHECK(classification.length > 7 && lw_equals_nocase(classification.destination, "http", 4));
    CHECK(span->tag.quoted && !span->tag.equals_spaced && !span->tag.opted_out);
  }
  if (classification.destination && classification.length) {
    const uint8_t *end = classification.destination + classification.length;
    bool in_tag = classification.destination >= tag && end <= tag + size;
    bool in_scratch = classification.destination >= scratch && end <= scratch + lw_scratch_bound(raw);
    CHECK(in_tag || in_scratch);
  }
  out->outcome = classification.outcome;
  out->warnings = classification.warnings;
  out->destination_length = classification.length;
  out->destination_hash = hash_of(classification.destination, classification.length);
  free(scratch);
}

static finding describe(const lw_span *span, const uint8_t *tag, const lw_options *options) {
  const lw_tag *t = &span->tag;
  finding f = {.start = span->start, .end = span->end, .kind = span->kind, .element = span->element};
  if (f.kind == LW_SPAN_SPLIT) f.kind = LW_SPAN_COMPLETE;
  f.has_href = t->has_href;
  f.quoted = t->quoted;
  f.equals_spaced = t->equals_spaced;
  f.opted_out = t->opted_out;
  f.self_closing = t->self_closing;
  if (t->quoted) {
    f.value = span->start + t->value;
    f.value_end = span->start + t->value_end;
  }
  classify(span, tag, options, &f);
  return f;
}

static void note(findings *found, finding f) {
  if (found->count) CHECK(f.start >= found->of[found->count - 1].end);
  if (found->count == found->room) {
    found->room = 2 * found->room + 16;
    found->of = realloc(found->of, found->room * sizeof *found->of);
    CHECK(found->of != NULL);
  }
  found->of[found->count++] = f;
}

/* The caller's side of a scan. `retain_from` is what lw_scan_retain_from said when the last chunk ended. */
typedef struct {
  const uint8_t *document;
  const scan_setup *setup;
  lw_scan scan;
  uint64_t retain_from;
  findings found;
} run;

/* The tag began in an earlier chunk: join its bytes, as a caller would, and lex them. */
static void take_split(run *r, lw_span span) {
  CHECK(span.start == r->retain_from);
  size_t size = (size_t)(span.end - span.start);
  size_t name = strlen(lw_element_name((lw_element)span.element));
  uint8_t *tag = lw_test_room(size);
  memcpy(tag, r->document + span.start, size);
  const uint8_t *after = lw_parse_attributes(tag, tag + 1 + name, tag + size, &r->setup->options, &span.tag);
  CHECK(after == tag + size);
  check_shape(&span, tag);
  note(&r->found, describe(&span, tag, &r->setup->options));
  free(tag);
}

/* Of a tag too long, or cut, nothing but its place is known; it may have begun in any chunk. */
static void take_unread(run *r, const lw_span *span) {
  uint64_t size = span->end - span->start;
  CHECK(span->kind == LW_SPAN_UNTERMINATED || size > r->setup->options.tag_limit);
  CHECK(!span->tag.has_href && !span->tag.quoted);
  check_shape(span, r->document + span->start);
  note(&r->found, describe(span, r->document + span->start, &r->setup->options));
}

static void take(run *r, const lw_span *spans, size_t count, const uint8_t *chunk, uint64_t base) {
  for (size_t i = 0; i < count; i++) {
    const lw_span *span = &spans[i];
    CHECK(span->end <= r->scan.offset);
    if (span->kind == LW_SPAN_SPLIT) {
      CHECK(span->start < base);
      take_split(r, *span);
    } else if (span->kind == LW_SPAN_COMPLETE) {
      CHECK(span->start >= base && span->end - span->start <= r->setup->options.tag_limit);
      check_shape(span, chunk + (span->start - base));
      note(&r->found, describe(span, chunk + (span->start - base), &r->setup->options));
    } else {
      take_unread(r, span);
    }
  }
}

static void feed(run *r, uint64_t base, size_t size) {
  lw_span spans[CAPACITY_MAX];
  const memory *memory = r->setup->memory ? r->setup->memory : &HEAP;
  const uint8_t *chunk = memory->place(r->document + base, size);
  for (size_t at = 0; at < size;) {
    lw_spans out = {spans, 0, r->setup->capacity};
    size_t used = lw_scan_feed(&r->scan, &r->setup->options, chunk + at, size - at, &out);
    CHECK(used <= size - at && out.count <= out.capacity);
    CHECK(used == size - at || out.count == out.capacity); /* returns early only when full */
    at += used;
    CHECK(r->scan.offset == base + at);
    take(r, spans, out.count, chunk, base);
  }
  memory->release(chunk);
  uint64_t retain_from = lw_scan_retain_from(&r->scan, &r->setup->options);
  CHECK(retain_from == LW_RETAIN_NOTHING || retain_from < base + size || size == 0);
  /* what was not retained can't be needed again */
  CHECK(retain_from == LW_RETAIN_NOTHING || retain_from >= base || retain_from == r->retain_from);
  CHECK(retain_from == LW_RETAIN_NOTHING || base + size - retain_from <= r->setup->options.tag_limit);
  uint64_t open = lw_scan_open_tag(&r->scan);
  uint64_t limit = r->setup->options.tag_limit;
  CHECK(retain_from == open || (retain_from == LW_RETAIN_NOTHING && r->scan.offset - open > limit));
  r->retain_from = retain_from;
}

static size_t chunk_size(const scan_setup *setup, uint64_t *seed, size_t left, bool first) {
  size_t size = first ? setup->first : setup->rest;
  if (!first && setup->seed) size = 1 + (size_t)(next_random(seed) % setup->rest);
  return size < left ? size : left;
}

findings scan_document(const uint8_t *document, size_t n, const scan_setup *setup) {
  run r = {.document = document, .setup = setup, .retain_from = LW_RETAIN_NOTHING};
  uint64_t seed = setup->seed;
  CHECK(setup->capacity >= 1 && setup->capacity <= CAPACITY_MAX);
  for (size_t at = 0, size; at < n; at += size) {
    size = chunk_size(setup, &seed, n - at, at == 0);
    if (size == 0) size = 1;
    feed(&r, at, size);
  }
  lw_span last[1];
  lw_spans out = {last, 0, 1};
  lw_scan_finish(&r.scan, &out);
  CHECK(out.count == 0 || (last[0].kind == LW_SPAN_UNTERMINATED && last[0].end == n));
  if (out.count) take_unread(&r, last);
  r.found.last = r.scan;
  return r.found;
}

static void check_same_finding(const finding *a, const finding *b) {
  CHECK(a->start == b->start && a->end == b->end);
  CHECK(a->kind == b->kind && a->element == b->element);
  CHECK(a->has_href == b->has_href && a->quoted == b->quoted && a->equals_spaced == b->equals_spaced);
  CHECK(a->opted_out == b->opted_out && a->self_closing == b->self_closing);
  CHECK(a->value == b->value && a->value_end == b->value_end);
  CHECK(a->outcome == b->outcome && a->warnings == b->warnings);
  CHECK(a->destination_length == b->destination_length && a->destination_hash == b->destination_hash);
}

static void check_same_standing(const lw_tokenizer *a, const lw_tokenizer *b) {
  CHECK(a->state == b->state && a->ambiguous == b->ambiguous && a->depth == b->depth);
  for (size_t i = 0; i < a->depth; i++)
    CHECK(a->open[i].name == b->open[i].name && a->open[i].html_inside == b->open[i].html_inside);
}

void check_same(const findings *a, const findings *b) {
  size_t both = a->count < b->count ? a->count : b->count;
  for (size_t i = 0; i < both; i++) check_same_finding(&a->of[i], &b->of[i]);
  CHECK(a->count == b->count);
  CHECK(a->last.offset == b->last.offset && a->last.conditional == b->last.conditional);
  check_same_standing(&a->last.document, &b->last.document);
  check_same_standing(&a->last.conditional_comment, &b->last.conditional_comment);
}

void free_findings(findings *found) {
  free(found->of);
  *found = (findings){0};
}
