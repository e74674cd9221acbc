/* The larger of two bytes, or the smaller. */
static void model_extreme(const uint8_t *restrict a, const uint8_t *restrict b,
                          uint8_t *restrict out, int32_t count, int32_t larger)
{
    for (int32_t k = 0; k < count; k++) {
        out[k] = (a[k] > b[k]) == larger ? a[k] : b[k];
    }
}
