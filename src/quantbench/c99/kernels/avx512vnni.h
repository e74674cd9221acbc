/* Registers with lanes of int32, for AVX-512 VNNI: this text stands once for 512 bits, 16 lanes,
   and once for 256 bits, 8 lanes. MODEL_MM names an intrinsic of that width, MODEL_V a function or
   a type. */
typedef MODEL_REGISTER MODEL_V(vec);
typedef MODEL_REGISTER MODEL_V(operand);
typedef struct {
    MODEL_REGISTER m_even, m_odd, shift_even, shift_odd, half_even, half_odd;
} MODEL_V(factors);

static inline MODEL_REGISTER MODEL_V(load)(const void *from)
{
    MODEL_REGISTER result;
    memcpy(&result, from, sizeof result);
    return result;
}

/* In every lane. Written out, or else compilers keep the four bytes of neighbouring windows in
   general registers, from where a broadcast takes three times as long. */
static inline MODEL_REGISTER MODEL_V(values)(const uint8_t *values)
{
#if defined(__AVX512F__)
    MODEL_REGISTER result;
    __asm__("vpbroadcastd {%1, %0|%0, %1}" : "=v"(result) : "m"(*(const uint8_t (*)[4])values));
    return result;
#else
    int32_t four;
    memcpy(&four, values, sizeof four);
    return MODEL_MM(set1_epi32)(four);
#endif
}

/* Fewer than four, with zeros behind. */
static inline MODEL_REGISTER MODEL_V(part)(const uint8_t *values, size_t count)
{
    return MODEL_MM(set1_epi32)(model_few(values, count));
}

static inline MODEL_REGISTER MODEL_V(weights)(const void *weights)
{
    return MODEL_V(load)(weights);
}

/* Kept in a register: a load for each product would take the place of a broadcast. */
static inline MODEL_REGISTER MODEL_V(kept)(const void *weights)
{
    MODEL_REGISTER result = MODEL_V(load)(weights);
#if defined(__AVX512F__)
    __asm__("" : "+v"(result));
#endif
    return result;
}

/* Each lane's four weights meet the same four values. Written out, for gcc keeps two registers for
   each sum of the intrinsic in a loop, and runs out of them. */
static inline MODEL_REGISTER MODEL_V(product)(MODEL_REGISTER sum, MODEL_REGISTER values,
                                              MODEL_REGISTER weights)
{
#if defined(__GNUC__) && defined(__AVX512F__)
    __asm__("vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(values), "v"(weights));
    return sum;
#else
    return MODEL_MM(dpbusd_epi32)(sum, values, weights);
#endif
}

static inline MODEL_REGISTER MODEL_V(zero)(void)
{
    return MODEL_MM(set1_epi32)(0);
}

static inline MODEL_REGISTER MODEL_V(sum)(MODEL_REGISTER a, MODEL_REGISTER b)
{
    return MODEL_MM(add_epi32)(a, b);
}

static inline MODEL_REGISTER MODEL_V(max)(MODEL_REGISTER a, MODEL_REGISTER b)
{
    return MODEL_MM(max_epi32)(a, b);
}

static inline MODEL_REGISTER MODEL_V(min)(MODEL_REGISTER a, MODEL_REGISTER b)
{
    return MODEL_MM(min_epi32)(a, b);
}

static inline MODEL_V(factors) MODEL_V(factors_of)(MODEL_REGISTER m, MODEL_REGISTER shift)
{
    const MODEL_REGISTER one = MODEL_SET1_EPI64(1);
    MODEL_V(factors) f;
    f.m_even = m;
    f.m_odd = MODEL_MM(srli_epi64)(m, 32);
    f.shift_odd = MODEL_MM(srli_epi64)(shift, 32);
    f.shift_even = MODEL_MM(srli_epi64)(MODEL_MM(slli_epi64)(shift, 32), 32);
    f.half_even = MODEL_MM(sllv_epi64)(one, MODEL_MM(sub_epi64)(f.shift_even, one));
    f.half_odd = MODEL_MM(sllv_epi64)(one, MODEL_MM(sub_epi64)(f.shift_odd, one));
    return f;
}

/* zero + round(product * 2**-shift), which 32 bits hold. */
static inline MODEL_REGISTER MODEL_V(nearest)(MODEL_REGISTER even, MODEL_REGISTER odd,
                                              MODEL_V(factors) f, int zero)
{
    const MODEL_REGISTER low =
        MODEL_MM(srav_epi64)(MODEL_MM(add_epi64)(even, f.half_even), f.shift_even);
    const MODEL_REGISTER high =
        MODEL_MM(srav_epi64)(MODEL_MM(add_epi64)(odd, f.half_odd), f.shift_odd);
    const MODEL_REGISTER value =
        MODEL_MM(mask_mov_epi32)(low, MODEL_ODD_LANES, MODEL_MM(slli_epi64)(high, 32));
    return MODEL_MM(add_epi32)(value, MODEL_MM(set1_epi32)(zero));
}

/* Within [q_min, q_max], as bytes. */
static inline __m128i MODEL_V(bytes)(MODEL_REGISTER value, int q_min, int q_max)
{
    value = MODEL_MM(max_epi32)(value, MODEL_MM(set1_epi32)(q_min));
    if (q_max == 255) {
        return MODEL_MM(cvtusepi32_epi8)(value);
    }
    return MODEL_MM(cvtepi32_epi8)(MODEL_MM(min_epi32)(value, MODEL_MM(set1_epi32)(q_max)));
}

/* Of sum * m, where no tie can occur. */
static inline MODEL_REGISTER MODEL_V(scaled)(MODEL_REGISTER sum, MODEL_V(factors) f, int zero)
{
    const MODEL_REGISTER even = MODEL_MM(mul_epi32)(sum, f.m_even);
    const MODEL_REGISTER odd = MODEL_MM(mul_epi32)(MODEL_MM(srli_epi64)(sum, 32), f.m_odd);
    return MODEL_V(nearest)(even, odd, f, zero);
}

static inline __m128i MODEL_V(requantized)(MODEL_REGISTER sum, MODEL_V(factors) f, int zero,
                                           int q_min, int q_max)
{
    return MODEL_V(bytes)(MODEL_V(scaled)(sum, f, zero), q_min, q_max);
}

/* 1 less below an even integer: half up then takes a tie to the even one. */
static inline MODEL_REGISTER MODEL_V(lowered)(MODEL_REGISTER product, MODEL_REGISTER shift)
{
    const MODEL_REGISTER one = MODEL_SET1_EPI64(1);
    const MODEL_REGISTER odd = MODEL_AND(MODEL_MM(srlv_epi64)(product, shift), one);
    return MODEL_MM(add_epi64)(product, MODEL_MM(sub_epi64)(odd, one));
}

static inline MODEL_REGISTER
    MODEL_V(scaled_to_even)(MODEL_REGISTER sum, MODEL_V(factors) f, int zero)
{
    const MODEL_REGISTER even = MODEL_MM(mul_epi32)(sum, f.m_even);
    const MODEL_REGISTER odd = MODEL_MM(mul_epi32)(MODEL_MM(srli_epi64)(sum, 32), f.m_odd);
    return MODEL_V(nearest)(MODEL_V(lowered)(even, f.shift_even),
                            MODEL_V(lowered)(odd, f.shift_odd), f, zero);
}

static inline __m128i MODEL_V(requantized_to_even)(MODEL_REGISTER sum, MODEL_V(factors) f, int zero,
                                                   int q_min, int q_max)
{
    return MODEL_V(bytes)(MODEL_V(scaled_to_even)(sum, f, zero), q_min, q_max);
}

/* The same as requantized where every shift is 32 to 53: only the upper half of the product is
   shifted, and zero is added with the half. */
static inline MODEL_V(factors)
    MODEL_V(high_factors)(MODEL_REGISTER m, MODEL_REGISTER shift, int zero)
{
    const MODEL_REGISTER zeros = MODEL_SET1_EPI64(zero);
    MODEL_V(factors) f = MODEL_V(factors_of)(m, shift);
    f.half_even = MODEL_MM(add_epi64)(f.half_even, MODEL_MM(sllv_epi64)(zeros, f.shift_even));
    f.half_odd = MODEL_MM(add_epi64)(f.half_odd, MODEL_MM(sllv_epi64)(zeros, f.shift_odd));
    f.shift_even = MODEL_MM(sub_epi32)(shift, MODEL_MM(set1_epi32)(32));
    return f;
}

static inline MODEL_REGISTER MODEL_V(high_scaled)(MODEL_REGISTER sum, MODEL_V(factors) f)
{
    const MODEL_REGISTER odds = MODEL_MM(srli_epi64)(sum, 32);
    const MODEL_REGISTER even =
        MODEL_MM(add_epi64)(MODEL_MM(mul_epi32)(sum, f.m_even), f.half_even);
    const MODEL_REGISTER odd = MODEL_MM(add_epi64)(MODEL_MM(mul_epi32)(odds, f.m_odd), f.half_odd);
    const MODEL_REGISTER high = MODEL_MM(mask_shuffle_epi32)(odd, MODEL_EVEN_LANES, even, 0xF5);
    return MODEL_MM(srav_epi32)(high, f.shift_even);
}

static inline __m128i MODEL_V(high_requantized)(MODEL_REGISTER sum, MODEL_V(factors) f, int q_min,
                                                int q_max)
{
    return MODEL_V(bytes)(MODEL_V(high_scaled)(sum, f), q_min, q_max);
}

static inline void MODEL_V(store_sums)(int32_t *out, MODEL_REGISTER sum, size_t count)
{
    memcpy(out, &sum, count * sizeof *out);
}
