/* The sums of a plane: four of 16 channels. */
static inline void model_store_words_128(uint8_t *to, __m128i sums)
{
    memcpy(to, &sums, sizeof sums);
}
