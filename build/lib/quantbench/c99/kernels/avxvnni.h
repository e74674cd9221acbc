/* Each lane's four weights meet the same four values. */
static inline __m256i model_product_256(__m256i sum, __m256i values, __m256i weights)
{
    return _mm256_dpbusd_avx_epi32(sum, values, weights);
}
