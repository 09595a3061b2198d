/* ipv6.h: IPv6 addresses as hosts. */
#ifndef LW_IPV6_H
#define LW_IPV6_H

#include "ascii.h"

/* Length of the IPv6 literal with its brackets at the start of a host, which ends there or goes on with ':'; or 0. */
size_t lw_ipv6_literal(const uint8_t *host, const uint8_t *end);

#endif
