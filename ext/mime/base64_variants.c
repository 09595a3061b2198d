/* base64_variants.c: the vector variants of this build, and the question which of them this processor can run. */
#include "base64.h"

const lw_base64_variant LW_BASE64[] = {
    {0, 0, 0, 0},
};
