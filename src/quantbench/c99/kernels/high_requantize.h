/* Shifts to the right round down; C99 doesn't define those of negative numbers. */
MODEL_INLINE int32_t model_down(int32_t value, unsigned shift)
{
#if defined(__GNUC__)
    return value >> shift; /* these compilers say that the sign goes along */
#else
    return value < 0 ? ~(~value >> shift) : value >> shift;
#endif
}

MODEL_INLINE int32_t model_upper_half(int64_t product)
{
#if defined(__GNUC__)
    return (int32_t)(product >> 32);
#else
    return product < 0 ? ~(int32_t)(~product >> 32) : (int32_t)(product >> 32);
#endif
}

/* zero + round(sum * m * 2**-(shift + 33)) within [q_min, q_max]; there is no tie. What the lower
   half of the product holds can't change it: rounding down in steps is rounding down at once. */
MODEL_INLINE uint8_t model_high_requantized(int32_t sum, int32_t m, unsigned shift, int32_t zero,
                                             uint8_t q_min, uint8_t q_max)
{
    const int32_t twice = model_down(model_upper_half((int64_t)sum * m), shift);
#if defined(MODEL_SIMD32)
    const uint8_t value = (uint8_t)__usat(model_down(twice + 2 * zero + 1, 1), 8);
#else
    const int32_t value = model_down(twice + 2 * zero + 1, 1);
#endif
    return (uint8_t)(value < q_min ? q_min : value > q_max ? q_max : value);
}
