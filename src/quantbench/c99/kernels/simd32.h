/* Inlined where code is to be small, too: else every product is a call. */
#if defined(__GNUC__)
#define MODEL_INLINE static inline __attribute__((always_inline))
#else
#define MODEL_INLINE static inline
#endif

/* Four values become two words with two numbers of 16 bits each: of bytes 0 and 2, then of 1 and 3.
   Written out where compilers take two instructions for one. */
#if defined(MODEL_SIMD32)
MODEL_INLINE int16x2_t model_even_s8(uint32_t four)
{
    return __sxtb16((int8x4_t)four);
}

MODEL_INLINE int16x2_t model_odd_s8(uint32_t four)
{
    int16x2_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(four));
    return result;
}

MODEL_INLINE int16x2_t model_even_u8(uint32_t four)
{
    int16x2_t result;
    __asm__("uxtb16 %0, %1" : "=r"(result) : "r"(four));
    return result;
}

MODEL_INLINE int16x2_t model_odd_u8(uint32_t four)
{
    int16x2_t result;
    __asm__("uxtb16 %0, %1, ror #8" : "=r"(result) : "r"(four));
    return result;
}

/* Two words from an address that is a multiple of 4, which goes on behind them. */
#if defined(__thumb2__)
#define MODEL_TWO_WORDS(a, b, from) \
    __asm__("ldrd %0, %1, [%2], #8" : "=r"(a), "=r"(b), "+r"(from) : : "memory")
#else
#define MODEL_TWO_WORDS(a, b, from) \
    (memcpy(&(a), from, 4), memcpy(&(b), (from) + 4, 4), (void)((from) += 8))
#endif
#endif
