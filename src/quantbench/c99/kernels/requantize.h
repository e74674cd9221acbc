/* floor(value / 2**shift). To shift a negative number to the right is not defined in C99. */
static int64_t floor_shift(int64_t value, unsigned shift)
{
    return value < 0 ? ~(~value >> shift) : value >> shift;
}

/* zero + round(sum * m * 2**-shift), the larger at a tie, within [least, most]. */
static uint8_t requantized(int32_t sum, int32_t m, unsigned shift, int32_t zero, uint8_t least,
                           uint8_t most)
{
    const int64_t half = (int64_t)1 << (shift - 1U);
    const int64_t value = floor_shift((int64_t)sum * m + half, shift) + zero;
    return value < least ? least : value > most ? most : (uint8_t)value;
}
