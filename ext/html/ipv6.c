/* ipv6.c: is the host an IPv6 address in brackets? By the grammar of the URL standard, "IPv6 parser". */
#include "ipv6.h"

static int hex_digits(const uint8_t *p, const uint8_t *end) {
  int n = 0;
  while (p + n < end && n < 5 && (lw_is_digit(p[n]) || (uint8_t)(lw_lower(p[n]) - 'a') < 6)) n++;
  return n;
}

/* Four numbers up to 255 without leading zeros, with dots between, and nothing behind. */
static bool is_ipv4(const uint8_t *p, const uint8_t *end) {
  for (int part = 0; part < 4; part++) {
    int value = 0, digits = 0;
    if (part > 0 && (p == end || *p++ != '.')) return false;
    while (p < end && lw_is_digit(*p) && digits < 4) {
      if (digits++ > 0 && value == 0) return false;
      value = value * 10 + (*p++ - '0');
    }
    if (digits == 0 || value > 255) return false;
  }
  return p == end;
}

static bool is_address(const uint8_t *p, const uint8_t *end) {
  int pieces = 0;
  bool gap = false;
  if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
    gap = true;
    p += 2;
  }
  while (p < end) {
    int n = hex_digits(p, end);
    if (n == 0 || n > 4) return false;
    if (p + n < end && p[n] == '.') {
      pieces += 2;
      if (!is_ipv4(p, end)) return false;
      break;
    }
    pieces++;
    p += n;
    if (p == end) break;
    if (*p++ != ':' || p == end) return false;
    if (*p == ':') {
      if (gap) return false;
      gap = true;
      p++;
    }
  }
  return gap ? pieces <= 7 : pieces == 8;
}

size_t lw_ipv6_literal(const uint8_t *host, const uint8_t *end) {
  const uint8_t *p = host;
  if (p == end || *p != '[') return 0;
  while (p < end && *p != ']') p++;
  if (p == end || (p + 1 < end && p[1] != ':')) return 0;
  return is_address(host + 1, p) ? (size_t)(p + 1 - host) : 0;
}
