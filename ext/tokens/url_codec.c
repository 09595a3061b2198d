/* url_codec.c: compression of URLs. See url_codec.h for the format, url_codec_tables.py for the tables.
 *
 * The plain algorithm: one pass over the destination; per symbol one load from code_of and one shift into a 64-bit
 * accumulator. Departures, and why each pays:
 *   1. the input is copied into a buffer with 16 spare zero bytes, so that matching an entry is two masked 64-bit
 *      compares with no look at the remaining length;
 *   2. a run of token bytes is written as symbols first and undone if a RUN turns out shorter: undoing is restoring
 *      the writer's three fields, and most runs are never undone.
 */
#include "url_codec.h"

#include <string.h>

struct entry { /* of a dictionary; text is padded with zeros */
    char text[16];
    uint8_t length, bits;
    uint16_t code;
};

struct decoder { /* of a canonical code: how many code words have each length in bits */
    uint16_t count[13];
};

#include "url_codec_tables.h"

enum { ESC = 95, WORD = 96, CAPITAL = 97, PART = 98, RUN = 99 };
enum { RUN_BASE64 = 0, RUN_LOWER_HEX = 1, RUN_UPPER_HEX = 2, RUN_UUID = 3 };
enum { RUN_SHORTEST = 9, RUN_GROUP = 63, UUID_LENGTH = 36 };

/* What a byte can be part of. */
enum { LOWER = 1, UPPER = 2, DIGIT = 4, DASH = 8, LOWER_HEX = 16, UPPER_HEX = 32 };
#define ALNUM (LOWER | UPPER | DIGIT)
#define TOKEN_BYTE (ALNUM | DASH)

#define D16 DIGIT | LOWER_HEX | UPPER_HEX
#define UH UPPER | UPPER_HEX
#define LH LOWER | LOWER_HEX
static const uint8_t class_of[256] = {
    ['-'] = DASH,  ['_'] = DASH,  ['0'] = D16,   ['1'] = D16,   ['2'] = D16,   ['3'] = D16,   ['4'] = D16,
    ['5'] = D16,   ['6'] = D16,   ['7'] = D16,   ['8'] = D16,   ['9'] = D16,   ['A'] = UH,    ['B'] = UH,
    ['C'] = UH,    ['D'] = UH,    ['E'] = UH,    ['F'] = UH,    ['G'] = UPPER, ['H'] = UPPER, ['I'] = UPPER,
    ['J'] = UPPER, ['K'] = UPPER, ['L'] = UPPER, ['M'] = UPPER, ['N'] = UPPER, ['O'] = UPPER, ['P'] = UPPER,
    ['Q'] = UPPER, ['R'] = UPPER, ['S'] = UPPER, ['T'] = UPPER, ['U'] = UPPER, ['V'] = UPPER, ['W'] = UPPER,
    ['X'] = UPPER, ['Y'] = UPPER, ['Z'] = UPPER, ['a'] = LH,    ['b'] = LH,    ['c'] = LH,    ['d'] = LH,
    ['e'] = LH,    ['f'] = LH,    ['g'] = LOWER, ['h'] = LOWER, ['i'] = LOWER, ['j'] = LOWER, ['k'] = LOWER,
    ['l'] = LOWER, ['m'] = LOWER, ['n'] = LOWER, ['o'] = LOWER, ['p'] = LOWER, ['q'] = LOWER, ['r'] = LOWER,
    ['s'] = LOWER, ['t'] = LOWER, ['u'] = LOWER, ['v'] = LOWER, ['w'] = LOWER, ['x'] = LOWER, ['y'] = LOWER,
    ['z'] = LOWER,
};

static const struct scheme {
    const char *text;
    uint8_t length, bits, code;
} schemes[4] = {{"https://", 8, 2, 0}, {"https://www.", 12, 2, 1}, {"http://", 7, 2, 2}, {"http://www.", 11, 3, 6}};
enum { NO_SCHEME = 7, NO_SCHEME_BITS = 3 };

/* ---- writing ---- */

struct writer {      /* there is always room: lw_url_compress sees to it once, for the worst case */
    uint64_t bits_held;   /* the bits not yet stored are the lowest `count`; those above them are stale */
    unsigned count;  /* under 32 between calls */
    uint8_t *at;
};

/* Appends the lowest `bits` (0 to 32) of value, which has no others. */
static inline void put_bits(struct writer *w, uint32_t value, unsigned bits) {
    w->bits_held = w->bits_held << bits | value;
    w->count += bits;
    if (w->count < 32) return;
    w->count -= 32;
    uint32_t full = (uint32_t)(w->bits_held >> w->count);
    w->at[0] = (uint8_t)(full >> 24);
    w->at[1] = (uint8_t)(full >> 16);
    w->at[2] = (uint8_t)(full >> 8);
    w->at[3] = (uint8_t)full;
    w->at += 4;
}

/* How many bits stand between an earlier state and this one. */
static inline size_t bits_since(const struct writer *before, const struct writer *now) {
    return (size_t)(now->at - before->at) * 8 + now->count - before->count;
}

/* Fills the last byte with one-bits and stores the bits held. Returns the end of the output. */
static uint8_t *finish(struct writer *w) {
    unsigned over = w->count % 8;
    if (over) put_bits(w, 0xFFu >> over, 8 - over);
    for (; w->count; w->count -= 8) *w->at++ = (uint8_t)(w->bits_held >> (w->count - 8));
    return w->at;
}

static inline void put_symbol(struct writer *w, unsigned context, unsigned symbol) {
    unsigned code = code_of[context][symbol];
    put_bits(w, code >> 4, code & 15);
}

/* ---- compression ---- */

/* The source is followed by 16 zero bytes; `first` marks where it begins. */
struct source {
    const uint8_t *first, *at, *end;
};

static inline unsigned context_at(const struct source *s, const uint8_t *at, unsigned initial) {
    return at == s->first ? initial : context_of[at[-1]];
}

/* Whether the entry matches at p, of which 16 bytes may be read. */
static inline int matches_at(const struct entry *e, const uint8_t *p) {
    static const uint8_t first[9][8] = {/* masks of the first n bytes */
                                        {0},
                                        {255},
                                        {255, 255},
                                        {255, 255, 255},
                                        {255, 255, 255, 255},
                                        {255, 255, 255, 255, 255},
                                        {255, 255, 255, 255, 255, 255},
                                        {255, 255, 255, 255, 255, 255, 255},
                                        {255, 255, 255, 255, 255, 255, 255, 255}};
    uint64_t text, here, mask;
    memcpy(&text, e->text, 8);
    memcpy(&here, p, 8);
    memcpy(&mask, first[e->length < 8 ? e->length : 8], 8);
    if ((text ^ here) & mask) return 0;
    if (e->length <= 8) return 1;
    memcpy(&text, e->text + 8, 8);
    memcpy(&here, p + 8, 8);
    memcpy(&mask, first[e->length - 8], 8);
    return ((text ^ here) & mask) == 0;
}

/* The longest entry of one bucket that matches at p, or NULL. Entries of a bucket come longest first. */
static inline const struct entry *longest(const struct entry *entries, const uint16_t *bucket, const uint8_t *p) {
    for (unsigned i = bucket[0]; i < bucket[1]; i++)
        if (matches_at(&entries[i], p)) return &entries[i];
    return NULL;
}

static const struct entry *part_at(const uint8_t *p) {
    if (p[0] >= 128 || p[1] >= 128 || mark_of[p[0]] == 255) return NULL;
    return longest(parts, &parts_bucket[mark_of[p[0]] * 128 + p[1]], p);
}

/* The longest word at p, whose first byte is a letter of either case. */
static const struct entry *word_at(const uint8_t *p) {
    uint8_t lower[16];
    if (!(class_of[p[1]] & LOWER)) return NULL;
    const uint16_t *bucket = &words_bucket[((p[0] | 32) - 'a') * 26 + p[1] - 'a'];
    if (bucket[0] == bucket[1]) return NULL;
    if (class_of[p[0]] & LOWER) return longest(words, bucket, p);
    memcpy(lower, p, 16);
    lower[0] |= 32;
    return longest(words, bucket, lower);
}

static void put_byte(struct writer *w, unsigned context, uint8_t c) {
    if (c >= 0x20 && c <= 0x7E) {
        put_symbol(w, context, c - 0x20u);
    } else {
        put_symbol(w, context, ESC);
        put_bits(w, c, 8);
    }
}

static inline void put_entry(struct writer *w, unsigned context, unsigned symbol, const struct entry *e) {
    put_symbol(w, context, symbol);
    put_bits(w, e->code, e->bits);
}

static inline unsigned hex_value(uint8_t c) {
    return c <= '9' ? c - 48u : (c | 32u) - 87u; /* '0' and 'a' - 10 */
}

static inline unsigned base64_value(uint8_t c) {
    if (class_of[c] & UPPER) return c - 65u;  /* 'A' */
    if (class_of[c] & LOWER) return c - 71u;  /* 'a' - 26 */
    if (class_of[c] & DIGIT) return c + 4u;   /* '0' - 52 */
    return c == '-' ? 62 : 63;
}

/* The bits that a RUN of n characters takes. */
static size_t run_cost(unsigned context, unsigned bits_each, size_t n) {
    size_t groups = (n - RUN_SHORTEST) / RUN_GROUP + 1;
    return (code_of[context][RUN] & 15u) + 2 + 6 * groups + bits_each * n;
}

static void put_run(struct writer *w, unsigned context, unsigned kind, const uint8_t *p, size_t n) {
    put_symbol(w, context, RUN);
    put_bits(w, kind, 2);
    size_t rest = n - RUN_SHORTEST;
    for (; rest >= RUN_GROUP; rest -= RUN_GROUP) put_bits(w, RUN_GROUP, 6);
    put_bits(w, (uint32_t)rest, 6);
    for (size_t i = 0; i < n; i++) {
        if (kind == RUN_BASE64) put_bits(w, base64_value(p[i]), 6);
        else put_bits(w, hex_value(p[i]), 4);
    }
}

static int is_uuid_dash(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

static int is_uuid(const uint8_t *p, size_t n) {
    if (n != UUID_LENGTH) return 0;
    for (size_t i = 0; i < UUID_LENGTH; i++)
        if (is_uuid_dash(i) ? p[i] != '-' : !(class_of[p[i]] & LOWER_HEX)) return 0;
    return 1;
}

static void put_uuid(struct writer *w, unsigned context, const uint8_t *p) {
    put_symbol(w, context, RUN);
    put_bits(w, RUN_UUID, 2);
    for (size_t i = 0; i < UUID_LENGTH; i++)
        if (!is_uuid_dash(i)) put_bits(w, hex_value(p[i]), 4);
}

/* The classes that all of p[0..n) share. */
static unsigned shared_classes(const uint8_t *p, size_t n) {
    unsigned shared = 255;
    for (size_t i = 0; i < n; i++) shared &= class_of[p[i]];
    return shared;
}

/* Writes the letters and digits from s->at on (at least one), as symbols or, if that is shorter, as a RUN. */
static void compress_alnum(struct writer *w, struct source *s, unsigned initial) {
    const struct writer before = *w;
    const uint8_t *start = s->at;
    unsigned outer = context_at(s, start, initial), context = outer;
    int fresh = 1; /* a word may begin here */
    for (;;) {
        uint8_t c = *s->at;
        unsigned class = class_of[c];
        if (!(class & ALNUM)) break;
        if (class & UPPER && !fresh) fresh = !(class_of[s->at[-1]] & UPPER);
        const struct entry *e = fresh && !(class & DIGIT) ? word_at(s->at) : NULL;
        if (e) {
            put_entry(w, context, class & UPPER ? CAPITAL : WORD, e);
            s->at += e->length;
        } else {
            put_symbol(w, context, c - 0x20u);
            s->at++;
        }
        fresh = e != NULL;
        context = context_of[s->at[-1]];
    }
    size_t n = (size_t)(s->at - start), used = bits_since(&before, w);
    if (n < RUN_SHORTEST || used <= run_cost(outer, 4, n)) return;
    unsigned shared = shared_classes(start, n);
    unsigned kind = shared & LOWER_HEX ? RUN_LOWER_HEX : shared & UPPER_HEX ? RUN_UPPER_HEX : RUN_BASE64;
    if (kind == RUN_BASE64 && used <= run_cost(outer, 6, n)) return;
    *w = before;
    put_run(w, outer, kind, start, n);
}

/* Writes the letters, digits, `-` and `_` from s->at on (at least one), in pieces or, if that is shorter, as a RUN. */
static void compress_token_run(struct writer *w, struct source *s, unsigned initial) {
    const struct writer before = *w;
    const uint8_t *start = s->at;
    unsigned outer = context_at(s, start, initial);
    while (class_of[*s->at] & TOKEN_BYTE) {
        if (class_of[*s->at] & ALNUM) {
            compress_alnum(w, s, initial);
            continue;
        }
        unsigned context = context_at(s, s->at, initial);
        const struct entry *e = part_at(s->at);
        if (e) put_entry(w, context, PART, e);
        else put_byte(w, context, *s->at);
        s->at += e ? e->length : 1;
    }
    size_t n = (size_t)(s->at - start), used = bits_since(&before, w);
    if (n < RUN_SHORTEST) return;
    if (is_uuid(start, n)) {
        *w = before;
        put_uuid(w, outer, start);
    } else if (used > run_cost(outer, 6, n)) {
        *w = before;
        put_run(w, outer, RUN_BASE64, start, n);
    }
}

/* Writes the scheme and returns its length in the source. */
static size_t compress_scheme(struct writer *w, const uint8_t *p, size_t n) {
    const struct scheme *best = NULL;
    if (n && p[0] == 'h')
        for (unsigned i = 0; i < 4; i++)
            if (n >= schemes[i].length && memcmp(p, schemes[i].text, schemes[i].length) == 0)
                if (!best || schemes[i].length > best->length) best = &schemes[i];
    if (!best) put_bits(w, NO_SCHEME, NO_SCHEME_BITS);
    else put_bits(w, best->code, best->bits);
    return best ? best->length : 0;
}

size_t lw_url_compress(const uint8_t *src, size_t n, uint8_t *out, size_t room) {
    uint8_t copy[LW_MAX_URL_BYTES + 16];
    if (n > LW_MAX_URL_BYTES || room < LW_URL_COMPRESSED_BOUND(n)) return LW_URL_REFUSED;
    if (n) memcpy(copy, src, n);
    memset(copy + n, 0, 16);
    struct writer w = {0, 0, out};
    size_t scheme = compress_scheme(&w, copy, n);
    unsigned initial = scheme ? HOST : OTHER;
    struct source s = {copy + scheme, copy + scheme, copy + n};
    while (s.at < s.end) {
        if (class_of[*s.at] & TOKEN_BYTE) {
            compress_token_run(&w, &s, initial);
            continue;
        }
        unsigned context = context_at(&s, s.at, initial);
        const struct entry *e = part_at(s.at);
        if (e) put_entry(&w, context, PART, e);
        else put_byte(&w, context, *s.at);
        s.at += e ? e->length : 1;
    }
    return (size_t)(finish(&w) - out);
}

/* ---- decompression ---- */

struct reader {
    const uint8_t *src;
    size_t at, end; /* in bits */
};

/* The next `bits` bits (up to 8); past the end -1. */
static int32_t get_bits(struct reader *r, unsigned bits) {
    if (r->end - r->at < bits) return -1;
    unsigned value = 0;
    for (; bits; bits--, r->at++) value = value << 1 | (r->src[r->at / 8] >> (7 - r->at % 8) & 1u);
    return (int32_t)value;
}

/* The rank of the next code word among those of d, or -1 past the end. */
static int32_t get_code_rank(struct reader *r, const struct decoder *d) {
    int32_t code = 0, first = 0, rank = 0; /* first: the lowest code word of this length */
    for (unsigned length = 1; length <= 12; length++) {
        int32_t bit = get_bits(r, 1);
        if (bit < 0) return -1;
        code = code << 1 | bit;
        first <<= 1;
        if (code - first < d->count[length]) return rank + code - first;
        first += d->count[length];
        rank += d->count[length];
    }
    return -1;
}

/* Whether nothing but padding is left. */
static int at_padding(const struct reader *r) {
    size_t left = r->end - r->at;
    return left == 0 || (left < 8 && (r->src[r->end / 8 - 1] & ((1u << left) - 1)) == (1u << left) - 1);
}

struct sink {
    uint8_t *first;
    size_t count, room;
};

static int append(struct sink *out, uint8_t c) {
    if (out->count == out->room) return 0;
    out->first[out->count++] = c;
    return 1;
}

static int append_all(struct sink *out, const char *text, size_t n) {
    if (out->room - out->count < n) return 0;
    memcpy(out->first + out->count, text, n);
    out->count += n;
    return 1;
}

static int decompress_entry(struct reader *r, struct sink *out, unsigned symbol) {
    int32_t rank = get_code_rank(r, symbol == PART ? &parts_decoder : &words_decoder);
    if (rank < 0) return 0;
    const struct entry *e = symbol == PART ? &parts[parts_order[rank]] : &words[words_order[rank]];
    size_t at = out->count;
    if (!append_all(out, e->text, e->length)) return 0;
    if (symbol == CAPITAL) out->first[at] &= 0xDF;
    return 1;
}

static int decompress_uuid(struct reader *r, struct sink *out) {
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        int32_t digit = is_uuid_dash(i) ? 16 : get_bits(r, 4);
        if (digit < 0 || !append(out, (uint8_t)"0123456789abcdef-"[digit])) return 0;
    }
    return 1;
}

static int decompress_run(struct reader *r, struct sink *out) {
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char *const letters[3] = {base64, "0123456789abcdef", "0123456789ABCDEF"};
    int32_t kind = get_bits(r, 2), group;
    if (kind < 0) return 0;
    if (kind == RUN_UUID) return decompress_uuid(r, out);
    size_t n = RUN_SHORTEST;
    do {
        group = get_bits(r, 6);
        if (group < 0 || n > out->room) return 0;
        n += (size_t)group;
    } while (group == RUN_GROUP);
    for (; n; n--) {
        int32_t value = get_bits(r, kind == RUN_BASE64 ? 6 : 4);
        if (value < 0 || !append(out, (uint8_t)letters[kind][value])) return 0;
    }
    return 1;
}

static int decompress_symbol(struct reader *r, struct sink *out, unsigned context) {
    int32_t rank = get_code_rank(r, &decoder_of[context]);
    if (rank < 0) return 0;
    unsigned symbol = order_of[context][rank];
    if (symbol < ESC) return append(out, (uint8_t)(symbol + 0x20));
    if (symbol == WORD || symbol == CAPITAL || symbol == PART) return decompress_entry(r, out, symbol);
    if (symbol == RUN) return decompress_run(r, out);
    if (symbol != ESC) return 0; /* PAD */
    int32_t byte = get_bits(r, 8);
    return byte >= 0 && append(out, (uint8_t)byte);
}

static int decompress_scheme(struct reader *r, struct sink *out) {
    int32_t code = get_bits(r, 2);
    if (code == 3) code = code << 1 | get_bits(r, 1); /* a missing bit makes it -1 */
    for (unsigned i = 0; i < 4; i++)
        if (code == schemes[i].code) return append_all(out, schemes[i].text, schemes[i].length);
    return code == NO_SCHEME;
}

/* Undoes lw_url_compress; also accepts forms that lw_url_compress would have written otherwise. */
static size_t decompress_any(const uint8_t *src, size_t n, uint8_t *out, size_t room) {
    struct reader r = {src, 0, n * 8};
    struct sink sink = {out, 0, room};
    if (!decompress_scheme(&r, &sink)) return LW_URL_REFUSED;
    size_t scheme = sink.count;
    while (!at_padding(&r)) {
        unsigned context = sink.count > scheme ? context_of[out[sink.count - 1]] : scheme ? HOST : OTHER;
        if (!decompress_symbol(&r, &sink, context)) return LW_URL_REFUSED;
    }
    return sink.count;
}

size_t lw_url_decompress(const uint8_t *src, size_t n, uint8_t *out, size_t room) {
    uint8_t again[LW_URL_COMPRESSED_BOUND(LW_MAX_URL_BYTES)];
    if (n > sizeof again) return LW_URL_REFUSED;
    size_t length = decompress_any(src, n, out, room < LW_MAX_URL_BYTES ? room : LW_MAX_URL_BYTES);
    if (length == LW_URL_REFUSED) return LW_URL_REFUSED;
    /* Only one form is valid: compressing again must give the input. */
    if (lw_url_compress(out, length, again, sizeof again) != n || memcmp(again, src, n) != 0) return LW_URL_REFUSED;
    return length;
}
