/* zero + round(((a - a_zero) a_m + (b - b_zero) b_m) 2**-shift). */
typedef struct {
    int32_t count, a_zero, b_zero, a_m, b_m, zero;
    uint8_t shift, least, most;
} add_layer;

static void add(const add_layer *l, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    const int64_t half = (int64_t)1 << (l->shift - 1);
    for (int32_t k = 0; k < l->count; k++) {
        const int64_t sum = (int64_t)(a[k] - l->a_zero) * l->a_m
                            + (int64_t)(b[k] - l->b_zero) * l->b_m + half;
        const int64_t value = floor_shift(sum, l->shift) + l->zero;
        out[k] = value < l->least ? l->least : value > l->most ? l->most : (uint8_t)value;
    }
}
