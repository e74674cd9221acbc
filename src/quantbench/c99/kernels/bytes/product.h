/* As many bytes as there are lanes of int32. */
static inline MODEL_REGISTER MODEL_V(widened)(const uint8_t *from)
{
    return MODEL_MM(cvtepu8_epi32)(MODEL_LOAD_QUARTER((const __m128i *)(const void *)from));
}

static inline MODEL_REGISTER MODEL_V(times)(MODEL_REGISTER a, MODEL_REGISTER b)
{
    return MODEL_MM(mullo_epi32)(a, b);
}
