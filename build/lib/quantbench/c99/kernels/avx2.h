/* Each lane's two weights of 16 bits meet the same two values. The sum is kept in a register:
   compilers else add the products of several chunks first, and run out of registers. */
static inline __m256i model_product_256(__m256i sum, __m256i values, __m256i weights)
{
    __m256i result = _mm256_add_epi32(sum, _mm256_madd_epi16(values, weights));
#if defined(__AVX2__)
    __asm__("" : "+x"(result));
#endif
    return result;
}

/* Of bytes: two products in each 16 bits, which the weights prove to hold the sum. */
static inline __m256i model_halves_256(__m256i values, __m256i weights)
{
    return _mm256_maddubs_epi16(values, weights);
}

static inline __m256i model_sum_halves_256(__m256i a, __m256i b)
{
    return _mm256_add_epi16(a, b);
}

static inline __m256i model_sum_of_halves_256(__m256i sum, __m256i halves)
{
    __m256i result = _mm256_add_epi32(sum, _mm256_madd_epi16(halves, _mm256_set1_epi16(1)));
#if defined(__AVX2__)
    __asm__("" : "+x"(result));
#endif
    return result;
}
