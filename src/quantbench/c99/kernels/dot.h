/* Adds the products of values with two rows of weights: each value is loaded once. */
#if defined(MODEL_SIMD32)
__attribute__((noinline)) /* elsewhere there are too few registers for the loop */
#endif
static void dot(int32_t sums[2], const uint8_t *values, const weight_t *first,
                const weight_t *second, int32_t count)
{
    const uint8_t *const end = values + count;
    int32_t one = sums[0], other = sums[1];
#if defined(MODEL_SIMD32)
    /* Bytes 0 and 2 of a word as 16 bits, then 1 and 3. These sums don't saturate. */
    const uint8_t *const words = sizeof *first == 1 ? values + count / 4 * 4 : values;
    for (; values != words; values += 4, first += 4, second += 4) {
        uint32_t v, a, b;
        memcpy(&v, values, sizeof v);
        memcpy(&a, first, sizeof a);
        memcpy(&b, second, sizeof b);
        const int16x2_t even = (int16x2_t)(v & 0x00FF00FFU);
        const int16x2_t odd = (int16x2_t)((v >> 8) & 0x00FF00FFU);
        one = __smlad(__sxtb16((int8x4_t)a), even, one);
        one = __smlad(__sxtb16((int8x4_t)(a >> 8)), odd, one);
        other = __smlad(__sxtb16((int8x4_t)b), even, other);
        other = __smlad(__sxtb16((int8x4_t)(b >> 8)), odd, other);
    }
#endif
    while (values != end) {
        const int32_t value = *values++;
        one += value * (int32_t)*first++;
        other += value * (int32_t)*second++;
    }
    sums[0] = one;
    sums[1] = other;
}
