/* zero + round(sum * m * 2**-shift) within [least, most]; there is no tie, which would go up. */
static uint8_t requantized(int32_t sum, int32_t m, unsigned shift, int32_t zero, uint8_t least,
                           uint8_t most)
{
    const int64_t half = (int64_t)1 << (shift - 1U);
    const int64_t value = floor_shift((int64_t)sum * m + half, shift) + zero;
    return value < least ? least : value > most ? most : (uint8_t)value;
}
