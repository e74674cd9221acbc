/* SSE2 multiplies numbers without a sign: of a negative one the product is b 2**32 too large. */
static inline __m128i model_mul_128(__m128i a, __m128i b)
{
    const __m128i more = _mm_and_si128(_mm_srai_epi32(a, 31), b);
    return _mm_sub_epi64(_mm_mul_epu32(a, b), _mm_slli_epi64(more, 32));
}
