/* Weights lie as [output][value]. `numbers`: what each output starts from, then its m, or one m
   for all if m_step is 0; then its limits, from low_at and high_at on, or none there if these are
   0 and low and high are for all. Sums that aren't `rounded` are the output, as int32_t. A number
   that is the same in all layers isn't in the structure but in the text. */
static void dense_output(const dense_layer *l, int32_t sum, int32_t o, void *out)
{
    if (l->rounded == 0) {
        memcpy((char *)out + o * (ptrdiff_t)sizeof sum, &sum, sizeof sum);
    } else {
        const int32_t k = o * l->m_step;
        ((uint8_t *)out)[o] = requantized(sum, l->numbers[l->outputs + k], l->shift[k], l->zero,
                                          l->least, l->most);
    }
}

/* Of the sums in one place and in those before. */
static int32_t dense_pooled(const dense_layer *l, int32_t sum, int32_t o, int32_t before,
                            int32_t place)
{
    const int32_t low = l->low_at != 0 ? l->numbers[l->low_at + o] : l->low;
    const int32_t high = l->high_at != 0 ? l->numbers[l->high_at + o] : l->high;
    sum = sum < low ? low : sum > high ? high : sum;
    if (l->pool_max == 0) {
        return sum + before;
    }
    return place == 0 || sum > before ? sum : before;
}

/* All outputs, of the values of all places that are pooled: [place][group][value]. */
static void dense(const dense_layer *l, const uint8_t *values, void *out)
{
    const weight_t *weights = l->weights;
    const int32_t count = l->count;
    int32_t o = 0;
    for (int32_t g = 0; g < l->groups; g++, values += count) {
        const int32_t end = o + l->group_out;
        while (o < end) {
            const int32_t more = o + 1 < end; /* an odd one is computed twice */
            const uint8_t *from = values;
            int32_t one = 0, other = 0;
            for (int32_t place = 0; place < l->places; place++, from += count * l->groups) {
                int32_t sums[2] = {l->numbers[o], l->numbers[o + more]};
                dot(sums, from, weights, weights + more * count, count);
                one = dense_pooled(l, sums[0], o, one, place);
                other = dense_pooled(l, sums[1], o + more, other, place);
            }
            dense_output(l, one, o, out);
            dense_output(l, other, o + more, out);
            o += 1 + more;
            weights += (1 + more) * count;
        }
    }
}
