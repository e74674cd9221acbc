/* 64 bytes at once looked up in a table of 256, which four registers hold: two permutes of 128
   entries each, of which the highest bit of the index chooses one. */
static inline __m512i model_looked_up_512(const __m512i *table, __m512i index)
{
    const __m512i low = _mm512_permutex2var_epi8(table[0], index, table[1]);
    const __m512i high = _mm512_permutex2var_epi8(table[2], index, table[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

static void model_lookup_512(const uint8_t *table, const uint8_t *in, uint8_t *out, int32_t count)
{
    __m512i held[4];
    memcpy(held, table, sizeof held);
    int32_t k = 0;
    for (; k + 64 <= count; k += 64) {
        const __m512i looked_up = model_looked_up_512(held, _mm512_loadu_si512(in + k));
        _mm512_storeu_si512(out + k, looked_up);
    }
    if (k < count) {
        const __mmask64 rest = ~(__mmask64)0 >> (64 - (count - k));
        const __m512i index = _mm512_maskz_loadu_epi8(rest, in + k);
        _mm512_mask_storeu_epi8(out + k, rest, model_looked_up_512(held, index));
    }
}
