/* The sums of a plane: four of every 16 channels, which lie 64 bytes apart. */
static inline void model_store_words_256(uint8_t *to, __m256i sums)
{
    const __m128i parts[2] = {_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)};
    for (size_t k = 0; k < 2; k++) {
        memcpy(to + 64 * k, &parts[k], sizeof parts[k]);
    }
}
