/* Adds the products of values with two rows of weights: each value is loaded once. */
#if defined(MODEL_SIMD32)
__attribute__((noinline)) /* elsewhere there are too few registers for the loop */
#endif
static void model_dot(int32_t sums[2], const uint8_t *values, const MODEL_WEIGHT *first,
                      const MODEL_WEIGHT *second, int32_t count)
{
    const uint8_t *const end = values + count;
    int32_t sum0 = sums[0], sum1 = sums[1];
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
        sum0 = __smlad(__sxtb16((int8x4_t)a), even, sum0);
        sum0 = __smlad(__sxtb16((int8x4_t)(a >> 8)), odd, sum0);
        sum1 = __smlad(__sxtb16((int8x4_t)b), even, sum1);
        sum1 = __smlad(__sxtb16((int8x4_t)(b >> 8)), odd, sum1);
    }
#endif
    while (values != end) {
        const int32_t value = *values++;
        sum0 += value * (int32_t)*first++;
        sum1 += value * (int32_t)*second++;
    }
    sums[0] = sum0;
    sums[1] = sum1;
}
