/* crc32.h: the CRC-32 of zlib, gzip and PNG (ISO 3309, reflected polynomial 0xEDB88320). */
#ifndef LW_CRC32_H
#define LW_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Fills the tables. Once, before lw_crc32; again does no harm. */
void lw_crc32_prepare(void);

/* Goes on from `crc` (0 at the beginning) over n bytes, as zlib's crc32 does. */
uint32_t lw_crc32(uint32_t crc, const uint8_t *bytes, size_t n);

#endif
