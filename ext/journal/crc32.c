/* crc32.c: see crc32.h.
 *
 * Plain: for each byte, crc = table[(crc ^ byte) & 255] ^ crc >> 8.
 * 1. Eight bytes at a time with eight tables ("slicing"): the lookups do not wait for one another.
 */
#include "crc32.h"

enum { SLICES = 8 };
static uint32_t tables[SLICES][256];

void lw_crc32_prepare(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; byte++)
    for (int slice = 1; slice < SLICES; slice++) {
      uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = tables[0][before & 255] ^ before >> 8;
    }
}

uint32_t lw_crc32(uint32_t crc, const uint8_t *bytes, size_t n) {
  crc = ~crc;
  for (; n >= SLICES; bytes += SLICES, n -= SLICES) {
    uint32_t low = crc ^ (bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
    crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
          tables[3][bytes[4]] ^ tables[2][bytes[5]] ^ tables[1][bytes[6]] ^ tables[0][bytes[7]];
  }
  for (; n; bytes++, n--) crc = tables[0][(crc ^ *bytes) & 255] ^ crc >> 8;
  return ~crc;
}
