/* What a table gives for the nearest place of its grid, as kernels/curve.h has it: as many at once
   as there are lanes. Within the `lowest` and `highest` of
   its channel each number has a place, and beyond them the same as there. A row of `channels` has the
   numbers of the tables; the last register ends with the last number. */
static void MODEL_CURVED_NAME(const MODEL_CURVED_ENTRY *table, const void *in, void *out,
                              const int32_t *m, const int32_t *lowest, const int32_t *highest,
                              int32_t size, int32_t channels, int64_t begin, unsigned shift)
{
    const int32_t lanes = (int32_t)(sizeof(MODEL_REGISTER) / sizeof(int32_t));
    const MODEL_V(wide) start = MODEL_V(wide_of)(begin);
    for (int32_t c = 0; c < channels; c += lanes) {
        const int32_t first = c < channels - lanes ? c : channels - lanes;
        const MODEL_V(spread) factors = MODEL_V(spread_lanes)(MODEL_V(load)(m + first));
        const MODEL_REGISTER low = MODEL_V(load)(lowest + first),
                             high = MODEL_V(load)(highest + first);
        for (int32_t p = first; p < size; p += channels) {
            const int32_t at = p < size - lanes ? p : size - lanes;
            MODEL_REGISTER words = MODEL_V(from_words)(
                (const char *)in + (ptrdiff_t)at * (ptrdiff_t)sizeof(int32_t));
            words = MODEL_V(min)(MODEL_V(max)(words, low), high);
            const MODEL_V(wide) sums = MODEL_V(wide_sum)(
                MODEL_V(wide_product)(MODEL_V(spread_lanes)(words), factors), start);
            const MODEL_REGISTER places = MODEL_V(wide_lower)(MODEL_V(wide_shifted)(sums, shift));
            MODEL_CURVED_SET((char *)out + (ptrdiff_t)at * (ptrdiff_t)sizeof *table, table, places);
        }
    }
}
