/* A sum of products of numbers of 32 bits and of 62, in two parts: 2**31 high + low. */
typedef struct {
    MODEL_V(wide) high, low;
} MODEL_V(split);

/* A multiplier of each lane: 2**31 high + low, neither below 0. */
typedef struct {
    MODEL_V(spread) high, low;
} MODEL_V(factor);

static inline MODEL_V(factor) MODEL_V(factor_at)(const int32_t *high, const int32_t *low)
{
    MODEL_V(factor) factor;
    factor.high = MODEL_V(spread_lanes)(MODEL_V(load)(high));
    factor.low = MODEL_V(spread_lanes)(MODEL_V(load)(low));
    return factor;
}

static inline MODEL_V(split)
    MODEL_V(plus_product)(MODEL_V(split) sum, MODEL_REGISTER values, MODEL_V(factor) factor)
{
    const MODEL_V(spread) each = MODEL_V(spread_lanes)(values);
    sum.high = MODEL_V(wide_sum)(sum.high, MODEL_V(wide_product)(each, factor.high));
    sum.low = MODEL_V(wide_sum)(sum.low, MODEL_V(wide_product)(each, factor.low));
    return sum;
}

static inline MODEL_V(wide) MODEL_V(joined)(MODEL_V(split) sum)
{
    return MODEL_V(wide_sum)(MODEL_V(wide_raised)(sum.high), sum.low);
}

/* How a sum is rounded: see kernels/nearest.h. */
typedef struct {
    MODEL_V(wide) half;
    MODEL_REGISTER offset, low, high;
    unsigned shift;
} MODEL_V(rounding);

static inline MODEL_V(rounding)
    MODEL_V(rounding_of)(unsigned shift, int32_t zero, int32_t low, int32_t high)
{
    const uint32_t less = (uint32_t)((uint64_t)1 << (63U - shift));
    MODEL_V(rounding) rounding;
    rounding.half = MODEL_V(wide_of)((int64_t)(((uint64_t)1 << (shift - 1U)) - 1U));
    rounding.offset = MODEL_EVERY((int32_t)((uint32_t)zero - less));
    rounding.low = MODEL_EVERY(low);
    rounding.high = MODEL_EVERY(high);
    rounding.shift = shift;
    return rounding;
}

/* zero + round((above - 2**63) * 2**-shift), a tie to the even integer, within the limits. Before
   those it is within 2**31 of 0, and the shift is 31 or more. */
static inline MODEL_REGISTER MODEL_V(rounded)(MODEL_V(wide) above, MODEL_V(rounding) r)
{
    const MODEL_V(wide) odd = MODEL_V(wide_lowest_bits)(MODEL_V(wide_shifted)(above, r.shift));
    above = MODEL_V(wide_sum)(above, MODEL_V(wide_sum)(r.half, odd));
    const MODEL_REGISTER value = MODEL_V(sum)(
        MODEL_V(wide_lower)(MODEL_V(wide_shifted)(above, r.shift)), r.offset);
    return MODEL_V(min)(MODEL_V(max)(value, r.low), r.high);
}
