/* In place of the compiler's own: x86 instructions in plain C, by SIMDe, and here those that it
   doesn't have. */
#ifndef EMULATED
#define EMULATED
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <string.h>

#include "tiles.h"

#define _tile_loadconfig emulated_tile_loadconfig
#define _tile_release emulated_tile_release
#define _tile_loadd emulated_tile_loadd
#define _tile_stored emulated_tile_stored
#define _tile_dpbusd emulated_tile_dpbusd

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

/* SIMDe rounds the product by itself; a long double holds it and the sum. */
static inline void emulated_fma(int count, const void *a, const void *b, const void *c, void *sums)
{
    for (int i = 0; i < count; i++) {
        float x, y, z;
        memcpy(&x, (const float *)a + i, sizeof x);
        memcpy(&y, (const float *)b + i, sizeof y);
        memcpy(&z, (const float *)c + i, sizeof z);
        x = (float)((long double)x * y + z);
        memcpy((float *)sums + i, &x, sizeof x);
    }
}

static inline simde__m512 emulated_fmadd_512(simde__m512 a, simde__m512 b, simde__m512 c)
{
    simde__m512 sums;
    emulated_fma(16, &a, &b, &c, &sums);
    return sums;
}

static inline simde__m256 emulated_fmadd_256(simde__m256 a, simde__m256 b, simde__m256 c)
{
    simde__m256 sums;
    emulated_fma(8, &a, &b, &c, &sums);
    return sums;
}

#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps emulated_fmadd_512
#undef _mm256_maskz_fmadd_ps
#define _mm256_maskz_fmadd_ps(mask, a, b, c) ((void)(mask), emulated_fmadd_256(a, b, c))

/* SIMDe's macro of this name takes the masked form's arguments. */
static inline simde__m512i emulated_madd_512(simde__m512i a, simde__m512i b)
{
    int16_t left[32], right[32];
    int32_t sum[16];
    simde__m512i sums;
    memcpy(left, &a, sizeof left);
    memcpy(right, &b, sizeof right);
    for (int i = 0; i < 16; i++) {
        sum[i] = left[2 * i] * right[2 * i] + left[2 * i + 1] * right[2 * i + 1];
    }
    memcpy(&sums, sum, sizeof sum);
    return sums;
}
#undef _mm512_madd_epi16
#define _mm512_madd_epi16 emulated_madd_512

/* NAME converts each number of a register. */
#define CONVERSION(NAME, TO, to, FROM, from, count) \
    static inline TO NAME(FROM given)               \
    {                                               \
        from before[count];                         \
        to after[count];                            \
        TO result;                                  \
        memcpy(before, &given, sizeof before);      \
        for (int i = 0; i < (count); i++) {         \
            after[i] = (to)before[i];               \
        }                                           \
        memcpy(&result, after, sizeof result);      \
        return result;                              \
    }
CONVERSION(_mm512_cvtepu8_epi16, simde__m512i, uint16_t, simde__m256i, uint8_t, 32)
CONVERSION(_mm512_cvtepu16_epi32, simde__m512i, uint32_t, simde__m256i, uint16_t, 16)
CONVERSION(_mm512_cvtepu8_epi32, simde__m512i, uint32_t, simde__m128i, uint8_t, 16)
CONVERSION(_mm512_cvtepi32_ps, simde__m512, float, simde__m512i, int32_t, 16)
CONVERSION(_mm512_cvttps_epi32, simde__m512i, int32_t, simde__m512, float, 16)

static inline simde__m512i _mm512_i32gather_epi32(simde__m512i places, const void *table, int size)
{
    int32_t at[16], found[16];
    memcpy(at, &places, sizeof at);
    for (int i = 0; i < 16; i++) {
        memcpy(&found[i], (const char *)table + (ptrdiff_t)at[i] * size, sizeof found[i]);
    }
    memcpy(&places, found, sizeof found);
    return places;
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
