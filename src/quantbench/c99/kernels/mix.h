/* The sum of two tensors, each times its multipliers, rounded once. Channels lie innermost; a step
   of 0 is of one multiplier for all of them. */
static void MODEL_MIX_NAME(const void *a, const int64_t *a_m, int32_t a_step, int32_t a_zero,
                           const void *b, const int64_t *b_m, int32_t b_step, int32_t b_zero,
                           void *out, int32_t places, int32_t channels, unsigned shift,
                           int32_t zero, int32_t low, int32_t high)
{
    const char *from_a = a, *from_b = b;
    char *to = out;
    for (int32_t p = 0; p < places; p++) {
        for (int32_t c = 0; c < channels; c++) {
            const int64_t product = (int64_t)(MODEL_MIX_A(from_a) - a_zero) * a_m[c * a_step] +
                                    (int64_t)(MODEL_MIX_B(from_b) - b_zero) * b_m[c * b_step];
            MODEL_MIX_SET(to, model_nearest(product, shift, zero, low, high));
            from_a += MODEL_MIX_A_SIZE;
            from_b += MODEL_MIX_B_SIZE;
            to += MODEL_MIX_OUT_SIZE;
        }
    }
}
