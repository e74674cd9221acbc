/* 32 indices of 16 bits looked up in a table of 256 bytes, which are the words of four registers.
   Two permutes of 64 words each give the word that has the byte. */
static inline __m512i model_looked_up_words_512(const __m512i *table, __m512i index)
{
    const __m512i word = _mm512_srli_epi16(index, 1);
    const __m512i low = _mm512_permutex2var_epi16(table[0], word, table[1]);
    const __m512i high = _mm512_permutex2var_epi16(table[2], word, table[3]);
    const __mmask32 upper = _mm512_test_epi16_mask(index, _mm512_set1_epi16(128));
    const __m512i shift =
        _mm512_slli_epi16(_mm512_and_si512(index, _mm512_set1_epi16(1)), 3);
    return _mm512_srlv_epi16(_mm512_mask_blend_epi16(upper, low, high), shift);
}

/* 64 bytes at once: those at even places, then those at odd ones. */
static inline __m512i model_looked_up_bytes_512(const __m512i *table, __m512i index)
{
    const __m512i low = _mm512_set1_epi16(255);
    const __m512i even = model_looked_up_words_512(table, _mm512_and_si512(index, low));
    const __m512i odd = model_looked_up_words_512(table, _mm512_srli_epi16(index, 8));
    return _mm512_or_si512(_mm512_and_si512(even, low), _mm512_slli_epi16(odd, 8));
}

static void model_lookup_words_512(const uint8_t *table, const uint8_t *in, uint8_t *out,
                                   int32_t count)
{
    __m512i held[4];
    memcpy(held, table, sizeof held);
    int32_t k = 0;
    for (; k + 64 <= count; k += 64) {
        const __m512i looked_up = model_looked_up_bytes_512(held, _mm512_loadu_si512(in + k));
        _mm512_storeu_si512(out + k, looked_up);
    }
    if (k < count) {
        const __mmask64 rest = ~(__mmask64)0 >> (64 - (count - k));
        const __m512i index = _mm512_maskz_loadu_epi8(rest, in + k);
        _mm512_mask_storeu_epi8(out + k, rest, model_looked_up_bytes_512(held, index));
    }
}
