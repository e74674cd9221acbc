/* zero + 2**(30 - more) + round(sum * m * 2**-(32 + more)) within [q_min, q_max], where this is
   proved to be the exact rounding. 2**30 makes the upper half of the product positive, for C99 does
   not say what a negative number shifted to the right is; what is left of it `zero` lacks. */
static uint8_t model_requantized_common(int32_t sum, int32_t m, unsigned more, int32_t zero,
                                        uint8_t q_min, uint8_t q_max)
{
    const uint32_t upper = (uint32_t)((uint64_t)((int64_t)sum * m) >> 32);
    const uint32_t half = ((uint32_t)1 << 30) + ((uint32_t)1 << (more - 1U));
    const int32_t value = (int32_t)((upper + half) >> more) + zero;
    return value < q_min ? q_min : value > q_max ? q_max : (uint8_t)value;
}
