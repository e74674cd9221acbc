/* A tensor times its multipliers as kernels/mix_one.h has it, with as many numbers at once as there
   are lanes. A row of `channels` has the multipliers of the tables; the last register ends with the
   last number. */
static void MODEL_MIXED_NAME(const void *a, const int32_t *a_high, const int32_t *a_low,
                           int32_t a_zero, void *out, int32_t size, int32_t channels,
                           unsigned shift, int32_t zero, int32_t low, int32_t high)
{
    const int32_t lanes = (int32_t)(sizeof(MODEL_REGISTER) / sizeof(int32_t));
    const MODEL_V(rounding) rounding = MODEL_V(rounding_of)(shift, zero, low, high);
    for (int32_t c = 0; c < channels; c += lanes) {
        const int32_t first = c < channels - lanes ? c : channels - lanes;
        const MODEL_V(factor) a_m = MODEL_V(factor_at)(a_high + first, a_low + first);
        const MODEL_V(split) zeros = {MODEL_V(wide_of)(0), MODEL_V(wide_of)(INT64_MIN)};
        MODEL_V(split) start = MODEL_V(plus_product)(zeros, MODEL_EVERY(-a_zero), a_m);
        start.low = MODEL_V(joined)(start);
        start.high = MODEL_V(wide_of)(0);
        for (int32_t p = first; p < size; p += channels) {
            const int32_t at = p < size - lanes ? p : size - lanes;
            const MODEL_V(split) sum = MODEL_V(plus_product)(
                start, MODEL_MIXED_A((const char *)a + (ptrdiff_t)at * MODEL_MIXED_A_SIZE), a_m);
            MODEL_MIXED_SET((char *)out + (ptrdiff_t)at * MODEL_MIXED_OUT_SIZE,
                          MODEL_V(rounded)(MODEL_V(joined)(sum), rounding));
        }
    }
}
