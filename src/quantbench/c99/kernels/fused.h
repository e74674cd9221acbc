/* `real` where a fused multiplication and addition is compiled for, else `integers`. */
#if defined(__FMA__)
#define MODEL_FUSED(real, integers) (real)
#define MODEL_HAS_FMA 1
#else
#define MODEL_FUSED(real, integers) (integers)
#define MODEL_HAS_FMA 0
#endif

static inline __m256i model_upper_halves_256(__m256i even, __m256i odd)
{
    return _mm256_blend_epi32(_mm256_shuffle_epi32(even, 0xF5), odd, 0xAA);
}
