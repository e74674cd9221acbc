/* Weights lie as [output][input]. A step is 0 where one value is for all outputs. */
typedef struct {
    const weight_t *weights;
    const int32_t *start, *low, *high, *m;
    const uint8_t *shift;
    int32_t inputs, outputs;
    uint8_t low_step, high_step, m_step, zero, least, most;
} dense_layer;

/* Writes `sums`, int32_t of any alignment, where there are any, else `out`. */
static void dense(const dense_layer *l, const uint8_t *in, uint8_t *out, void *sums)
{
    const weight_t *w = l->weights;
    for (int32_t o = 0; o < l->outputs; o++, w += l->inputs) {
        const int32_t low = l->low[o * l->low_step], high = l->high[o * l->high_step];
        int32_t sum = dot(l->start[o], in, w, l->inputs);
        sum = sum < low ? low : sum > high ? high : sum;
        if (sums != NULL) {
            memcpy((char *)sums + o * (ptrdiff_t)sizeof sum, &sum, sizeof sum);
        } else {
            const int32_t k = o * l->m_step;
            out[o] = requantized(sum, l->m[k], l->shift[k], l->zero, l->least, l->most);
        }
    }
}
