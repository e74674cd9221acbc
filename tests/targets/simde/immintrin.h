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

/* For registers of `bits`, which are `count` numbers of 64. */
#define EMULATE(bits, count)                                                               \
    static inline simde__m##bits##i _mm##bits##_srav_epi64(simde__m##bits##i values,       \
                                                           simde__m##bits##i counts)       \
    {                                                                                      \
        int64_t value[count], shift[count];                                                \
        memcpy(value, &values, sizeof value);                                              \
        memcpy(shift, &counts, sizeof shift);                                              \
        for (int i = 0; i < count; i++) {                                                  \
            value[i] >>= shift[i] < 0 || shift[i] > 63 ? 63 : shift[i];                    \
        }                                                                                  \
        memcpy(&values, value, sizeof value);                                              \
        return values;                                                                     \
    }                                                                                      \
    static inline simde__m128i _mm##bits##_cvtepi32_epi8(simde__m##bits##i values)         \
    {                                                                                      \
        uint32_t value[2 * count];                                                         \
        uint8_t low[16] = {0};                                                             \
        simde__m128i made;                                                                 \
        memcpy(value, &values, sizeof value);                                              \
        for (int i = 0; i < 2 * count; i++) {                                              \
            low[i] = (uint8_t)value[i];                                                    \
        }                                                                                  \
        memcpy(&made, low, sizeof low);                                                    \
        return made;                                                                       \
    }                                                                                      \
    static inline simde__m##bits##i _mm##bits##_mask_shuffle_epi32(                            \
        simde__m##bits##i other, unsigned mask, simde__m##bits##i values, int places)      \
    {                                                                                      \
        uint32_t from[2 * count], to[2 * count];                                           \
        memcpy(from, &values, sizeof from);                                                \
        memcpy(to, &other, sizeof to);                                                     \
        for (int i = 0; i < 2 * count; i++) {                                              \
            if (mask >> i & 1) {                                                           \
                to[i] = from[(i & ~3) + (places >> 2 * (i & 3) & 3)];                      \
            }                                                                              \
        }                                                                                  \
        memcpy(&values, to, sizeof to);                                                    \
        return values;                                                                     \
    }                                                                                      \
    static inline simde__m128i _mm##bits##_cvtusepi32_epi8(simde__m##bits##i values)       \
    {                                                                                      \
        uint32_t value[2 * count];                                                         \
        memcpy(value, &values, sizeof value);                                              \
        for (int i = 0; i < 2 * count; i++) {                                              \
            value[i] = value[i] > 255 ? 255 : value[i];                                    \
        }                                                                                  \
        memcpy(&values, value, sizeof value);                                              \
        return _mm##bits##_cvtepi32_epi8(values);                                          \
    }                                                                                      \
    static inline simde__m##bits##i _mm##bits##_maskz_loadu_epi8(uint64_t mask,            \
                                                                 const void *from)         \
    {                                                                                      \
        uint8_t value[8 * count] = {0};                                                    \
        simde__m##bits##i made;                                                            \
        for (int i = 0; i < 8 * count; i++) {                                              \
            if (mask >> i & 1) {                                                           \
                value[i] = ((const uint8_t *)from)[i];                                     \
            }                                                                              \
        }                                                                                  \
        memcpy(&made, value, sizeof value);                                                \
        return made;                                                                       \
    }                                                                                      \
    static inline void _mm##bits##_mask_storeu_epi8(void *to, uint64_t mask,               \
                                                    simde__m##bits##i values)              \
    {                                                                                      \
        uint8_t value[8 * count];                                                          \
        memcpy(value, &values, sizeof value);                                              \
        for (int i = 0; i < 8 * count; i++) {                                              \
            if (mask >> i & 1) {                                                           \
                ((uint8_t *)to)[i] = value[i];                                             \
            }                                                                              \
        }                                                                                  \
    }

EMULATE(512, 8)
EMULATE(256, 4)

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
#endif
