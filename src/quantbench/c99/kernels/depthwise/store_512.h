/* The sums of a plane: four of every 16 channels, which lie 64 bytes apart. */
static inline void model_store_words_512(uint8_t *to, __m512i sums)
{
    const __m128i parts[4] = {_mm512_castsi512_si128(sums), _mm512_extracti32x4_epi32(sums, 1),
                              _mm512_extracti32x4_epi32(sums, 2),
                              _mm512_extracti32x4_epi32(sums, 3)};
    for (size_t k = 0; k < 4; k++) {
        memcpy(to + 64 * k, &parts[k], sizeof parts[k]);
    }
}
