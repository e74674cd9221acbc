/* The first `count` bytes, at most 16. */
static inline void model_store_bytes(uint8_t *out, __m128i values, size_t count)
{
    uint64_t halves[2];
    if (count == 16) {
        _mm_storeu_si128((__m128i *)(void *)out, values);
        return;
    }
    _mm_storeu_si128((__m128i *)(void *)halves, values);
    memcpy(out, &halves[0], count < 8 ? count : 8);
    if (count > 8) {
        memcpy(out + 8, &halves[1], count - 8);
    }
}
