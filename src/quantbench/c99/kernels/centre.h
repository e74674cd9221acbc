/* A tensor times its multipliers, rounded, where zero points differ by channel: `zeros` are those of
   the input, then those of the output. Channels lie innermost; a step of 0 is of one multiplier for
   all of them. */
static void MODEL_CENTRE_NAME(const void *a, const int64_t *a_m, int32_t a_step,
                              const int32_t *zeros, void *out, int32_t places, int32_t channels,
                              unsigned shift, int32_t low, int32_t high)
{
    const char *from_a = a;
    char *to = out;
    for (int32_t p = 0; p < places; p++) {
        for (int32_t c = 0; c < channels; c++) {
            const int64_t product = (int64_t)(MODEL_CENTRE_A(from_a) - zeros[c]) * a_m[c * a_step];
            MODEL_CENTRE_SET(to, model_nearest(product, shift, zeros[channels + c], low, high));
            from_a += MODEL_CENTRE_A_SIZE;
            to += MODEL_CENTRE_OUT_SIZE;
        }
    }
}
