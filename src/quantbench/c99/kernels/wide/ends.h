/* As many numbers as there are lanes, from and to memory of any alignment. */
static inline MODEL_REGISTER MODEL_V(from_bytes)(const void *from)
{
    return MODEL_MM(cvtepu8_epi32)(MODEL_LOAD_QUARTER((const __m128i *)from));
}

/* Numbers that a byte holds. */
static inline void MODEL_V(set_bytes)(void *to, MODEL_REGISTER numbers)
{
    model_store_bytes(to, MODEL_V(bytes)(numbers, 0, 255), sizeof(MODEL_REGISTER) / 4);
}

static inline void MODEL_V(set_words)(void *to, MODEL_REGISTER numbers)
{
    memcpy(to, &numbers, sizeof numbers);
}
