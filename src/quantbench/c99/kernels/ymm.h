/* Registers of 256 bits: 8 lanes of int32. */
typedef __m256i model_vec_256;
typedef __m256i model_operand_256;
typedef struct {
    __m256i m_even, m_odd, shift_even, shift_odd, half_even, half_odd, less_even, less_odd;
} model_factors_256;

static inline __m256i model_load_256(const void *from)
{
    __m256i result;
    memcpy(&result, from, sizeof result);
    return result;
}

/* Four bytes in every lane: written out, for compilers else take them apart and together. */
static inline __m256i model_values_256(const uint8_t *values)
{
#if defined(__AVX2__)
    __m256i result;
    __asm__("vpbroadcastd {%1, %0|%0, %1}" : "=x"(result) : "m"(*(const uint8_t (*)[4])values));
    return result;
#else
    int32_t four;
    memcpy(&four, values, sizeof four);
    return _mm256_set1_epi32(four);
#endif
}

/* Fewer than four, with zeros behind. */
static inline __m256i model_part_256(const uint8_t *values, size_t count)
{
    return _mm256_set1_epi32(model_few(values, count));
}

static inline __m256i model_weights_256(const void *weights)
{
    return model_load_256(weights);
}

/* Kept in a register, for several products. */
static inline __m256i model_kept_256(const void *weights)
{
    __m256i result = model_load_256(weights);
#if defined(__AVX2__)
    __asm__("" : "+x"(result));
#endif
    return result;
}

static inline __m256i model_zero_256(void)
{
    return _mm256_setzero_si256();
}

static inline __m256i model_sum_256(__m256i a, __m256i b)
{
    return _mm256_add_epi32(a, b);
}

static inline __m256i model_max_256(__m256i a, __m256i b)
{
    return _mm256_max_epi32(a, b);
}

static inline __m256i model_min_256(__m256i a, __m256i b)
{
    return _mm256_min_epi32(a, b);
}

/* There is no arithmetic shift of 64 bits: 2**62 makes the product positive before, and what
   the shift leaves of it is taken away behind. */
static inline model_factors_256 model_factors_of_256(__m256i m, __m256i shift)
{
    const __m256i one = _mm256_set1_epi64x(1);
    const __m256i large = _mm256_set1_epi64x((int64_t)1 << 62);
    model_factors_256 f;
    f.m_even = m;
    f.m_odd = _mm256_srli_epi64(m, 32);
    f.shift_odd = _mm256_srli_epi64(shift, 32);
    f.shift_even = _mm256_srli_epi64(_mm256_slli_epi64(shift, 32), 32);
    f.half_even = _mm256_sllv_epi64(one, _mm256_sub_epi64(f.shift_even, one));
    f.half_odd = _mm256_sllv_epi64(one, _mm256_sub_epi64(f.shift_odd, one));
    f.half_even = _mm256_add_epi64(f.half_even, large);
    f.half_odd = _mm256_add_epi64(f.half_odd, large);
    f.less_even = _mm256_srlv_epi64(large, f.shift_even);
    f.less_odd = _mm256_srlv_epi64(large, f.shift_odd);
    return f;
}

/* Within [q_min, q_max], as bytes. */
static inline __m128i model_bytes_256(__m256i value, int q_min, int q_max)
{
    value = _mm256_max_epi32(value, _mm256_set1_epi32(q_min));
    value = _mm256_min_epi32(value, _mm256_set1_epi32(q_max));
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    return _mm_packus_epi16(words, words);
}

/* zero + round(product * 2**-shift), which 32 bits hold. */
static inline __m256i model_nearest_256(__m256i even, __m256i odd, model_factors_256 f, int zero)
{
    __m256i low = _mm256_srlv_epi64(_mm256_add_epi64(even, f.half_even), f.shift_even);
    __m256i high = _mm256_srlv_epi64(_mm256_add_epi64(odd, f.half_odd), f.shift_odd);
    low = _mm256_sub_epi64(low, f.less_even);
    high = _mm256_slli_epi64(_mm256_sub_epi64(high, f.less_odd), 32);
    const __m256i value = _mm256_blend_epi32(low, high, 0xAA);
    return _mm256_add_epi32(value, _mm256_set1_epi32(zero));
}

/* Of sum * m, where no tie can occur. */
static inline __m256i model_scaled_256(__m256i sum, model_factors_256 f, int zero)
{
    const __m256i even = _mm256_mul_epi32(sum, f.m_even);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(sum, 32), f.m_odd);
    return model_nearest_256(even, odd, f, zero);
}

static inline __m128i model_requantized_256(__m256i sum, model_factors_256 f, int zero, int q_min,
                                            int q_max)
{
    return model_bytes_256(model_scaled_256(sum, f, zero), q_min, q_max);
}

/* 1 less below an even integer: half up then takes a tie to the even one. */
static inline __m256i model_lowered_256(__m256i product, __m256i shift)
{
    const __m256i one = _mm256_set1_epi64x(1);
    const __m256i odd = _mm256_and_si256(_mm256_srlv_epi64(product, shift), one);
    return _mm256_add_epi64(product, _mm256_sub_epi64(odd, one));
}

static inline __m256i model_scaled_to_even_256(__m256i sum, model_factors_256 f, int zero)
{
    const __m256i even = _mm256_mul_epi32(sum, f.m_even);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(sum, 32), f.m_odd);
    return model_nearest_256(model_lowered_256(even, f.shift_even),
                             model_lowered_256(odd, f.shift_odd), f, zero);
}

static inline __m128i model_requantized_to_even_256(__m256i sum, model_factors_256 f, int zero,
                                                    int q_min, int q_max)
{
    return model_bytes_256(model_scaled_to_even_256(sum, f, zero), q_min, q_max);
}

/* The same as requantized where every shift is 32 to 53: only the upper half of the product is
   shifted, and zero is added with the half. */
static inline model_factors_256 model_high_factors_256(__m256i m, __m256i shift, int zero)
{
    const __m256i zeros = _mm256_set1_epi64x(zero);
    const __m256i large = _mm256_set1_epi64x((int64_t)1 << 62);
    model_factors_256 f = model_factors_of_256(m, shift);
    f.half_even = _mm256_sub_epi64(f.half_even, large);
    f.half_odd = _mm256_sub_epi64(f.half_odd, large);
    f.half_even = _mm256_add_epi64(f.half_even, _mm256_sllv_epi64(zeros, f.shift_even));
    f.half_odd = _mm256_add_epi64(f.half_odd, _mm256_sllv_epi64(zeros, f.shift_odd));
    f.shift_even = _mm256_sub_epi32(shift, _mm256_set1_epi32(32));
    return f;
}

static inline __m256i model_high_scaled_256(__m256i sum, model_factors_256 f)
{
    const __m256i odds = _mm256_srli_epi64(sum, 32);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sum, f.m_even), f.half_even);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(odds, f.m_odd), f.half_odd);
    const __m256i high = _mm256_blend_epi32(_mm256_shuffle_epi32(even, 0xF5), odd, 0xAA);
    return _mm256_srav_epi32(high, f.shift_even);
}

static inline __m128i model_high_requantized_256(__m256i sum, model_factors_256 f, int q_min,
                                                 int q_max)
{
    return model_bytes_256(model_high_scaled_256(sum, f), q_min, q_max);
}

static inline void model_store_sums_256(int32_t *out, __m256i sum, size_t count)
{
    memcpy(out, &sum, count * sizeof *out);
}
