/* Roundings that the generator has proved to be the exact ones, for every sum that there can be. */

/* zero + (sum * m + half >> 32): `half` is of 32 bits, unsigned. */
static inline MODEL_V(factors)
    MODEL_V(upper_factors)(MODEL_REGISTER m, MODEL_REGISTER half, int zero)
{
    const MODEL_REGISTER zeros = MODEL_SET1_EPI64((int64_t)zero * ((int64_t)1 << 32));
    MODEL_V(factors) f;
    memset(&f, 0, sizeof f);
    f.m_even = m;
    f.m_odd = MODEL_MM(srli_epi64)(m, 32);
    f.half_even = MODEL_MM(srli_epi64)(MODEL_MM(slli_epi64)(half, 32), 32);
    f.half_even = MODEL_MM(add_epi64)(f.half_even, zeros);
    f.half_odd = MODEL_MM(add_epi64)(MODEL_MM(srli_epi64)(half, 32), zeros);
    return f;
}

static inline MODEL_REGISTER MODEL_V(upper_scaled)(MODEL_REGISTER sum, MODEL_V(factors) f)
{
    const MODEL_REGISTER odds = MODEL_MM(srli_epi64)(sum, 32);
    const MODEL_REGISTER even =
        MODEL_MM(add_epi64)(MODEL_MM(mul_epi32)(sum, f.m_even), f.half_even);
    const MODEL_REGISTER odd = MODEL_MM(add_epi64)(MODEL_MM(mul_epi32)(odds, f.m_odd), f.half_odd);
    return MODEL_UPPER_HALVES(even, odd);
}

static inline __m128i MODEL_V(upper_requantized)(MODEL_REGISTER sum, MODEL_V(factors) f, int q_min,
                                                 int q_max)
{
    return MODEL_V(bytes)(MODEL_V(upper_scaled)(sum, f), q_min, q_max);
}

/* The integer part of sum * factor + offset, in float32: `offset` has the zero point and a half. The
   rounding mode is the one that every program starts with, to the nearest. */
#if MODEL_HAS_FMA
static inline MODEL_V(factors) MODEL_V(real_factors)(MODEL_REGISTER factor, MODEL_REGISTER offset)
{
    MODEL_V(factors) f;
    memset(&f, 0, sizeof f);
    f.m_even = factor;
    f.half_even = offset;
    return f;
}

static inline MODEL_REGISTER MODEL_V(real_scaled)(MODEL_REGISTER sum, MODEL_V(factors) f)
{
    return MODEL_MM(cvttps_epi32)(MODEL_FMA(MODEL_MM(cvtepi32_ps)(sum), MODEL_REAL(f.m_even),
                                           MODEL_REAL(f.half_even)));
}

static inline __m128i MODEL_V(real_requantized)(MODEL_REGISTER sum, MODEL_V(factors) f, int q_min,
                                                int q_max)
{
    return MODEL_V(bytes)(MODEL_V(real_scaled)(sum, f), q_min, q_max);
}
#endif
