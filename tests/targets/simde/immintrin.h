/* In place of the compiler's own: x86 instructions in plain C, by SIMDe, and here those that it
   doesn't have. */
#ifndef EMULATED
#define EMULATED
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <string.h>

typedef simde__mmask8 __mmask8;
typedef simde__mmask16 __mmask16;
typedef simde__mmask32 __mmask32;
typedef simde__mmask64 __mmask64;

#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32

static inline simde__m512i _mm512_srav_epi32(simde__m512i values, simde__m512i counts)
{
    int32_t value[16], shift[16];
    memcpy(value, &values, sizeof value);
    memcpy(shift, &counts, sizeof shift);
    for (int i = 0; i < 16; i++) {
        value[i] >>= shift[i] < 0 || shift[i] > 31 ? 31 : shift[i];
    }
    memcpy(&values, value, sizeof value);
    return values;
}

#define VECTOR simde__m512i
#define COUNT 16
#define NAMED(name) _mm512_##name
#include "registers.h"
#undef VECTOR
#undef COUNT
#undef NAMED

#define VECTOR simde__m256i
#define COUNT 8
#define NAMED(name) _mm256_##name
#include "registers.h"
#endif
