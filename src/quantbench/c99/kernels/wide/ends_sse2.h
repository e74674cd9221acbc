/* Four numbers from and to memory of any alignment. */
static inline __m128i model_from_bytes_128(const void *from)
{
    int32_t four;
    memcpy(&four, from, sizeof four);
    return model_lanes_128(_mm_cvtsi32_si128(four));
}

static inline __m128i model_from_words_128(const void *from)
{
    __m128i words;
    memcpy(&words, from, sizeof words);
    return words;
}

/* Numbers that a byte holds. */
static inline void model_set_bytes_128(void *to, __m128i numbers)
{
    const __m128i words = _mm_packs_epi32(numbers, numbers);
    const int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    memcpy(to, &four, sizeof four);
}

static inline void model_set_words_128(void *to, __m128i numbers)
{
    memcpy(to, &numbers, sizeof numbers);
}
