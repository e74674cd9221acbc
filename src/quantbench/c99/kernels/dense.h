/* Weights lie as [output][value]. `numbers`: what each output starts from, then its m, or one m
   for all if m_step is 0; then its limits, from low_at and high_at on, or none there if these are
   0 and low and high are for all. Sums that aren't `rounded` are the output, as int32_t. */
static void model_dense_output(const model_dense_layer *l, int32_t sum, int32_t o, void *out,
                               void *sums, int32_t place)
{
    const int32_t low =
        MODEL_DENSE_LOW_AT != 0 ? MODEL_DENSE_NUMBERS[MODEL_DENSE_LOW_AT + o] : MODEL_DENSE_LOW;
    const int32_t high =
        MODEL_DENSE_HIGH_AT != 0 ? MODEL_DENSE_NUMBERS[MODEL_DENSE_HIGH_AT + o] : MODEL_DENSE_HIGH;
    char *const at = (char *)sums + o * (ptrdiff_t)sizeof sum;
    sum = sum < low ? low : sum > high ? high : sum;
    if (place > 0) {
        int32_t before;
        memcpy(&before, at, sizeof before);
        if (MODEL_DENSE_POOL_MAX == 0) {
            sum += before;
        } else {
            sum = sum > before ? sum : before;
        }
    }
    if (MODEL_DENSE_ROUNDED == 0 || place + 1 < MODEL_DENSE_PLACES) {
        memcpy(at, &sum, sizeof sum);
    } else {
        const int32_t k = o * MODEL_DENSE_M_STEP;
        const int32_t m = MODEL_DENSE_NUMBERS[MODEL_DENSE_OUTPUTS + k];
        uint8_t *const to = (uint8_t *)out + o;
        if (MODEL_DENSE_COMMON != 0) {
            *to = model_requantized_common(sum, m, MODEL_DENSE_MORE, MODEL_DENSE_ZERO,
                                           MODEL_DENSE_Q_MIN, MODEL_DENSE_Q_MAX);
        } else {
            *to = model_requantized(sum, m, MODEL_DENSE_SHIFT[k], MODEL_DENSE_ZERO,
                                    MODEL_DENSE_Q_MIN, MODEL_DENSE_Q_MAX);
        }
    }
}

/* All outputs of one place. `values` are those of its window, group by group; `place` counts
   those of the pooling window, whose sums so far are in `memory`: int32_t of any alignment. */
static void model_dense(const model_dense_layer *l, const uint8_t *values, void *out, void *memory,
                        int32_t place)
{
    void *const sums = MODEL_DENSE_ROUNDED != 0 ? memory : out;
    const MODEL_WEIGHT *weights = MODEL_DENSE_WEIGHTS;
    int32_t o = 0;
    for (int32_t g = 0; g < MODEL_DENSE_GROUPS; g++, values += MODEL_DENSE_COUNT) {
        for (int32_t left = MODEL_DENSE_GROUP_OUT; left > 0; left -= 2) {
            const int32_t more = left > 1;
            int32_t pair[2] = {MODEL_DENSE_NUMBERS[o], MODEL_DENSE_NUMBERS[o + more]};
            model_dot(pair, values, weights, weights + (more != 0 ? MODEL_DENSE_COUNT : 0),
                      MODEL_DENSE_COUNT);
            for (int32_t j = 0; j <= more; j++, o++, weights += MODEL_DENSE_COUNT) {
                model_dense_output(l, pair[j], o, out, sums, place);
            }
        }
    }
}
