/* What SIMDe lacks, for registers VECTOR of COUNT numbers of 32 bits; NAMED makes the names. */
static inline VECTOR NAMED(srav_epi64)(VECTOR values, VECTOR counts)
{
    int64_t value[COUNT / 2], shift[COUNT / 2];
    memcpy(value, &values, sizeof value);
    memcpy(shift, &counts, sizeof shift);
    for (int i = 0; i < COUNT / 2; i++) {
        value[i] >>= shift[i] < 0 || shift[i] > 63 ? 63 : shift[i];
    }
    memcpy(&values, value, sizeof value);
    return values;
}
static inline VECTOR NAMED(mask_shuffle_epi32)(VECTOR others, uint16_t mask,
                                               VECTOR values, int order)
{
    int32_t value[COUNT], made[COUNT];
    memcpy(value, &values, sizeof value);
    memcpy(made, &others, sizeof made);
    for (int i = 0; i < COUNT; i++) {
        if (mask >> i & 1) {
            made[i] = value[(i & ~3) + (order >> 2 * (i & 3) & 3)];
        }
    }
    memcpy(&values, made, sizeof made);
    return values;
}
static inline simde__m128i NAMED(cvtepi32_epi8)(VECTOR values)
{
    uint32_t value[COUNT];
    uint8_t low[16] = {0};
    simde__m128i made;
    memcpy(value, &values, sizeof value);
    for (int i = 0; i < COUNT; i++) {
        low[i] = (uint8_t)value[i];
    }
    memcpy(&made, low, sizeof low);
    return made;
}
static inline simde__m128i NAMED(cvtusepi32_epi8)(VECTOR values)
{
    uint32_t value[COUNT];
    memcpy(value, &values, sizeof value);
    for (int i = 0; i < COUNT; i++) {
        value[i] = value[i] > 255 ? 255 : value[i];
    }
    memcpy(&values, value, sizeof value);
    return NAMED(cvtepi32_epi8)(values);
}
static inline VECTOR NAMED(maskz_loadu_epi8)(uint64_t mask, const void *from)
{
    uint8_t value[4 * COUNT] = {0};
    VECTOR made;
    for (int i = 0; i < 4 * COUNT; i++) {
        if (mask >> i & 1) {
            value[i] = ((const uint8_t *)from)[i];
        }
    }
    memcpy(&made, value, sizeof value);
    return made;
}
static inline void NAMED(mask_storeu_epi8)(void *to, uint64_t mask, VECTOR values)
{
    uint8_t value[4 * COUNT];
    memcpy(value, &values, sizeof value);
    for (int i = 0; i < 4 * COUNT; i++) {
        if (mask >> i & 1) {
            ((uint8_t *)to)[i] = value[i];
        }
    }
}
