/* Quads as words, for products of 16 bits: the first and third tap, the second and fourth. */
typedef struct {
    MODEL_REGISTER even, odd;
} MODEL_V(quads);
typedef MODEL_V(quads) MODEL_V(taps);

static inline MODEL_V(quads) MODEL_V(quads_of)(MODEL_REGISTER bytes)
{
    MODEL_V(quads) quads;
    quads.even = MODEL_AND(bytes, MODEL_MM(set1_epi32)(0x00FF00FF));
    quads.odd = MODEL_MM(srli_epi16)(bytes, 8);
    return quads;
}

static inline MODEL_V(taps) MODEL_V(load_taps)(const int16_t *from)
{
    MODEL_V(taps) taps;
    taps.even = MODEL_V(load_bytes)(from);
    taps.odd = MODEL_V(load_bytes)(from + sizeof(MODEL_REGISTER) / 2);
    return taps;
}

static inline MODEL_REGISTER
    MODEL_V(quad_product)(MODEL_REGISTER sum, MODEL_V(quads) quads, MODEL_V(taps) taps)
{
    sum = MODEL_MM(add_epi32)(sum, MODEL_MM(madd_epi16)(quads.even, taps.even));
    return MODEL_MM(add_epi32)(sum, MODEL_MM(madd_epi16)(quads.odd, taps.odd));
}
