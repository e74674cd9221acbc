/* Every other pixel of 32 bytes, of 8 channels. */
static inline __m128i model_even_128(__m128i low, __m128i high, int channels)
{
    (void)channels;
    return _mm_unpacklo_epi64(low, high);
}
