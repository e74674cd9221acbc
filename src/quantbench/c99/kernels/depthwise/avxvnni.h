typedef __m256i model_quads_256;
typedef __m256i model_taps_256;

static inline __m256i model_quads_of_256(__m256i bytes)
{
    return bytes;
}

static inline __m256i model_load_taps_256(const int8_t *from)
{
    return model_load_bytes_256(from);
}

static inline __m256i model_quad_product_256(__m256i sum, __m256i quads, __m256i taps)
{
    return _mm256_dpbusd_avx_epi32(sum, quads, taps);
}
