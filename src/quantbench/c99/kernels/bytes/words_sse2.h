/* Sums of 16 bits, one for each of 16 channels. */
typedef struct {
    __m128i low, high;
} model_words_128;

static inline model_words_128 model_no_words_128(void)
{
    const model_words_128 words = {_mm_setzero_si128(), _mm_setzero_si128()};
    return words;
}

static inline model_words_128 model_plus_bytes_128(model_words_128 words, const uint8_t *from)
{
    const __m128i bytes = model_load_128(from), zero = _mm_setzero_si128();
    words.low = _mm_add_epi16(words.low, _mm_unpacklo_epi8(bytes, zero));
    words.high = _mm_add_epi16(words.high, _mm_unpackhi_epi8(bytes, zero));
    return words;
}

static inline void model_add_words_128(int32_t *sums, model_words_128 words)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i more[4] = {
        _mm_unpacklo_epi16(words.low, zero), _mm_unpackhi_epi16(words.low, zero),
        _mm_unpacklo_epi16(words.high, zero), _mm_unpackhi_epi16(words.high, zero)};
    for (int k = 0; k < 4; k++) {
        const __m128i sum = _mm_add_epi32(model_load_128(sums + 4 * k), more[k]);
        memcpy(sums + 4 * k, &sum, sizeof sum);
    }
}
