/* zero + round(product * 2**-shift), a tie to the even integer, within [low, high]. The product is
   within 2**62 of 0; 2**63 makes it positive, for C99 does not say what a negative number shifted
   to the right is. */
static int32_t model_nearest(int64_t product, unsigned shift, int32_t zero, int32_t low,
                             int32_t high)
{
    const uint64_t above = (uint64_t)product + ((uint64_t)1 << 63);
    const uint64_t half = ((uint64_t)1 << (shift - 1U)) - 1U + ((above >> shift) & 1U);
    const int64_t value =
        (int64_t)((above + half) >> shift) - (int64_t)((uint64_t)1 << (63U - shift)) + zero;
    return value < low ? low : value > high ? high : (int32_t)value;
}
