static inline __m256i model_all_256(int32_t value)
{
    return _mm256_set1_epi32(value);
}

/* Each lane's two values meet the same two weights, which lie once for every lane. */
static inline __m256i model_product_of_all_256(__m256i sum, __m256i values, const int16_t *weights)
{
    return model_product_256(sum, values, model_load_256(weights));
}

/* Eight bytes of each of up to eight channels, stored with channels innermost. */
static inline void model_store_mixed(uint8_t *out, const __m128i *values, size_t places,
                                     size_t channels)
{
    const __m128i a = _mm_unpacklo_epi8(values[0], values[1]);
    const __m128i b = _mm_unpacklo_epi8(values[2], values[3]);
    const __m128i c = _mm_unpacklo_epi8(values[4], values[5]);
    const __m128i d = _mm_unpacklo_epi8(values[6], values[7]);
    const __m128i low[2] = {_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)};
    const __m128i high[2] = {_mm_unpacklo_epi16(c, d), _mm_unpackhi_epi16(c, d)};
    uint8_t mixed[64];
    for (size_t k = 0; k < 2; k++) {
        const __m128i one = _mm_unpacklo_epi32(low[k], high[k]);
        const __m128i other = _mm_unpackhi_epi32(low[k], high[k]);
        memcpy(mixed + 32 * k, &one, sizeof one);
        memcpy(mixed + 32 * k + 16, &other, sizeof other);
    }
    for (size_t place = 0; place < places; place++) {
        memcpy(out + place * channels, mixed + 8 * place, channels);
    }
}
