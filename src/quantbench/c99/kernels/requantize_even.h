/* zero + round(sum * m * 2**-shift) within [least, most]. Where there may be a tie, 64 is added to
   the shift: half up takes a tie to the even integer if 1 is taken away below an even one. */
static uint8_t requantized(int32_t sum, int32_t m, unsigned shift, int32_t zero, uint8_t least,
                           uint8_t most)
{
    const unsigned s = shift & 63U;
    const int64_t half = (int64_t)1 << (s - 1U), product = (int64_t)sum * m;
    const int64_t less = shift < 64U ? 0 : 1 - (floor_shift(product, s) & 1);
    const int64_t value = floor_shift(product - less + half, s) + zero;
    return value < least ? least : value > most ? most : (uint8_t)value;
}
