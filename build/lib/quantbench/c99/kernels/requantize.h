/* zero + round(sum * m * 2**-shift) within [q_min, q_max]; there is no tie, which would go up. */
static uint8_t model_requantized(int32_t sum, int32_t m, unsigned shift, int32_t zero,
                                 uint8_t q_min, uint8_t q_max)
{
    const int64_t half = (int64_t)1 << (shift - 1U);
    const int64_t value = model_floor_shift((int64_t)sum * m + half, shift) + zero;
    return value < q_min ? q_min : value > q_max ? q_max : (uint8_t)value;
}
