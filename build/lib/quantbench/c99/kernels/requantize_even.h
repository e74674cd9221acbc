/* zero + round(sum * m * 2**-shift) within [q_min, q_max]. Where there may be a tie, 64 is added to
   the shift: half up takes a tie to the even integer if 1 is taken away below an even one. */
static uint8_t model_requantized(int32_t sum, int32_t m, unsigned shift, int32_t zero,
                                 uint8_t q_min, uint8_t q_max)
{
    const unsigned s = shift & 63U;
    const int64_t half = (int64_t)1 << (s - 1U), product = (int64_t)sum * m;
    const int64_t less = shift < 64U ? 0 : 1 - (model_floor_shift(product, s) & 1);
    const int64_t value = model_floor_shift(product - less + half, s) + zero;
    return value < q_min ? q_min : value > q_max ? q_max : (uint8_t)value;
}
