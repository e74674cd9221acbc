/* Lanes of 64 bits: those of the even lanes of 32, and those of the odd ones. */
typedef struct {
    MODEL_REGISTER even, odd;
} MODEL_V(wide);
typedef MODEL_V(wide) MODEL_V(spread);

static inline MODEL_V(wide) MODEL_V(wide_of)(int64_t number)
{
    MODEL_V(wide) wide;
    wide.even = MODEL_SET1_EPI64(number);
    wide.odd = wide.even;
    return wide;
}

/* Each lane of 32 bits, for products: the upper half of each of 64 is anything. */
static inline MODEL_V(spread) MODEL_V(spread_lanes)(MODEL_REGISTER lanes)
{
    MODEL_V(wide) wide;
    wide.even = lanes;
    wide.odd = MODEL_MM(srli_epi64)(lanes, 32);
    return wide;
}

static inline MODEL_V(wide) MODEL_V(wide_sum)(MODEL_V(wide) a, MODEL_V(wide) b)
{
    a.even = MODEL_MM(add_epi64)(a.even, b.even);
    a.odd = MODEL_MM(add_epi64)(a.odd, b.odd);
    return a;
}

/* The products of the lower halves, of which the second is not below 0. */
static inline MODEL_V(wide) MODEL_V(wide_product)(MODEL_V(spread) a, MODEL_V(spread) b)
{
    a.even = MODEL_MUL_EPI32(a.even, b.even);
    a.odd = MODEL_MUL_EPI32(a.odd, b.odd);
    return a;
}

/* Times 2**31, modulo 2**64. */
static inline MODEL_V(wide) MODEL_V(wide_raised)(MODEL_V(wide) a)
{
    a.even = MODEL_MM(slli_epi64)(a.even, 31);
    a.odd = MODEL_MM(slli_epi64)(a.odd, 31);
    return a;
}

static inline MODEL_V(wide) MODEL_V(wide_shifted)(MODEL_V(wide) a, unsigned shift)
{
    const __m128i count = _mm_cvtsi32_si128((int)shift);
    a.even = MODEL_MM(srl_epi64)(a.even, count);
    a.odd = MODEL_MM(srl_epi64)(a.odd, count);
    return a;
}

static inline MODEL_V(wide) MODEL_V(wide_lowest_bits)(MODEL_V(wide) a)
{
    const MODEL_REGISTER one = MODEL_SET1_EPI64(1);
    a.even = MODEL_AND(a.even, one);
    a.odd = MODEL_AND(a.odd, one);
    return a;
}

/* The lower half of each. */
static inline MODEL_REGISTER MODEL_V(wide_lower)(MODEL_V(wide) a)
{
    const MODEL_REGISTER mask = MODEL_SET1_EPI64(0xFFFFFFFF);
    return MODEL_OR(MODEL_AND(a.even, mask), MODEL_MM(slli_epi64)(a.odd, 32));
}
