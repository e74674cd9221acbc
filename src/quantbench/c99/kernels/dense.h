/* Weights lie as [output][value]. `numbers`: what each output starts from, then its m, or one m
   for all if m_step is 0; then its limits, from low_at and high_at on, or none there if these are
   0 and low and high are for all. Sums that aren't `rounded` are the output, as int32_t. A number
   that is the same in all layers isn't in the structure but in the text. */
static void dense_output(const dense_layer *l, int32_t sum, int32_t o, void *out, void *sums,
                         int32_t place)
{
    const int32_t low = l->low_at != 0 ? l->numbers[l->low_at + o] : l->low;
    const int32_t high = l->high_at != 0 ? l->numbers[l->high_at + o] : l->high;
    char *const at = (char *)sums + o * (ptrdiff_t)sizeof sum;
    sum = sum < low ? low : sum > high ? high : sum;
    if (place > 0) {
        int32_t before;
        memcpy(&before, at, sizeof before);
        if (l->pool_max == 0) {
            sum += before;
        } else {
            sum = sum > before ? sum : before;
        }
    }
    if (l->rounded == 0 || place + 1 < l->places) {
        memcpy(at, &sum, sizeof sum);
    } else {
        const int32_t k = o * l->m_step;
        ((uint8_t *)out)[o] = requantized(sum, l->numbers[l->outputs + k], l->shift[k], l->zero,
                                          l->least, l->most);
    }
}

/* All outputs of one place. `values` are those of its window, group by group; `place` counts
   those of the pooling window, whose sums so far are in `memory`: int32_t of any alignment. */
static void dense(const dense_layer *l, const uint8_t *values, void *out, void *memory,
                  int32_t place)
{
    void *const sums = l->rounded != 0 ? memory : out;
    const weight_t *weights = l->weights;
    int32_t o = 0;
    for (int32_t g = 0; g < l->groups; g++, values += l->count) {
        for (int32_t left = l->group_out; left > 0; left -= 2) {
            const int32_t more = left > 1;
            int32_t pair[2] = {l->numbers[o], l->numbers[o + more]};
            dot(pair, values, weights, weights + (more != 0 ? l->count : 0), l->count);
            for (int32_t j = 0; j <= more; j++, o++, weights += l->count) {
                dense_output(l, pair[j], o, out, sums, place);
            }
        }
    }
}
