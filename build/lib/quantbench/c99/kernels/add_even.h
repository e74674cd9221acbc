/* high >> shift, and at a tie the even integer: there no bits are left of either part. */
static inline uint32_t model_shifted_to_even(uint32_t high, uint32_t low, unsigned shift)
{
    const uint32_t up = high >> shift, left = (high - (up << shift)) | (low & 0x7FFFU);
    return left == 0 ? up & ~1U : up;
}
