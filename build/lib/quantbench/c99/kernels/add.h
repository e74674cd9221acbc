static void model_add(const model_add_layer *l, const uint8_t *restrict a,
                      const uint8_t *restrict b, uint8_t *restrict out)
{
    const model_add_layer c = *l;
    const int32_t q_min = c.q_min, q_max = c.q_max;
    for (int32_t k = 0; k < c.count; k++) {
        const uint32_t low = a[k] * c.a_low + b[k] * c.b_low + c.low;
        const uint32_t high = a[k] * c.a_high + b[k] * c.b_high + c.high + (low >> 15);
        int32_t value = (int32_t)MODEL_ADD_SHIFT(high, low, c.shift) + c.offset;
        value = value < q_min ? q_min : value;
        out[k] = (uint8_t)(value > q_max ? q_max : value);
    }
}
