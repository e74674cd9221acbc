/* Sums of 16 bits, one for each channel. */
typedef MODEL_REGISTER MODEL_V(words);

static inline MODEL_REGISTER MODEL_V(no_words)(void)
{
    return MODEL_MM(set1_epi16)(0);
}

static inline MODEL_REGISTER MODEL_V(plus_bytes)(MODEL_REGISTER words, const uint8_t *from)
{
    MODEL_HALF bytes;
    memcpy(&bytes, from, sizeof bytes);
    return MODEL_MM(add_epi16)(words, MODEL_MM(cvtepu8_epi16)(bytes));
}

static inline void MODEL_V(add_words)(int32_t *sums, MODEL_REGISTER words)
{
    MODEL_HALF halves[2];
    memcpy(halves, &words, sizeof halves);
    for (int k = 0; k < 2; k++) {
        MODEL_REGISTER sum;
        memcpy(&sum, sums + k * MODEL_SUMMED / 2, sizeof sum);
        sum = MODEL_MM(add_epi32)(sum, MODEL_MM(cvtepu16_epi32)(halves[k]));
        memcpy(sums + k * MODEL_SUMMED / 2, &sum, sizeof sum);
    }
}
