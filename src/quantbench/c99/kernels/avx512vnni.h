/* Registers of 512 bits: 16 lanes of int32. The same text with 256 for 512 is for 8 lanes. */
typedef __m512i vec_512;
typedef __m512i operand_512;
typedef struct {
    __m512i m_even, m_odd, shift_even, shift_odd, half_even, half_odd;
} factors_512;

static inline __m512i load_512(const void *from)
{
    __m512i found;
    memcpy(&found, from, sizeof found);
    return found;
}

/* In every lane. Written out, or else compilers keep the four bytes of neighbouring windows in
   general registers, from where a broadcast takes three times as long. */
static inline __m512i values_512(const uint8_t *values)
{
#if defined(__AVX512F__)
    __m512i found;
    __asm__("vpbroadcastd {%1, %0|%0, %1}" : "=v"(found) : "m"(*(const uint8_t(*)[4])values));
    return found;
#else
    int32_t four;
    memcpy(&four, values, sizeof four);
    return _mm512_set1_epi32(four);
#endif
}

/* Fewer than four, with zeros behind. */
static inline __m512i part_512(const uint8_t *values, size_t count)
{
    int32_t four = 0;
    memcpy(&four, values, count);
    return _mm512_set1_epi32(four);
}

static inline __m512i weights_512(const void *weights)
{
    return load_512(weights);
}

/* Kept in a register: a load for each product would take the place of a broadcast. */
static inline __m512i kept_512(const void *weights)
{
    __m512i found = load_512(weights);
#if defined(__AVX512F__)
    __asm__("" : "+v"(found));
#endif
    return found;
}

/* Each lane's four weights meet the same four values. */
static inline __m512i product_512(__m512i sum, __m512i values, __m512i weights)
{
    return _mm512_dpbusd_epi32(sum, values, weights);
}

static inline __m512i zero_512(void)
{
    return _mm512_set1_epi32(0);
}

static inline __m512i sum_512(__m512i a, __m512i b)
{
    return _mm512_add_epi32(a, b);
}

static inline __m512i max_512(__m512i a, __m512i b)
{
    return _mm512_max_epi32(a, b);
}

static inline __m512i min_512(__m512i a, __m512i b)
{
    return _mm512_min_epi32(a, b);
}

static inline factors_512 factors_of_512(__m512i m, __m512i shift)
{
    const __m512i one = _mm512_set1_epi64(1);
    factors_512 f;
    f.m_even = m;
    f.m_odd = _mm512_srli_epi64(m, 32);
    f.shift_odd = _mm512_srli_epi64(shift, 32);
    f.shift_even = _mm512_srli_epi64(_mm512_slli_epi64(shift, 32), 32);
    f.half_even = _mm512_sllv_epi64(one, _mm512_sub_epi64(f.shift_even, one));
    f.half_odd = _mm512_sllv_epi64(one, _mm512_sub_epi64(f.shift_odd, one));
    return f;
}

/* zero + round(product * 2**-shift) within [least, most], which 32 bits hold before. */
static inline __m128i rounded_512(__m512i even, __m512i odd, factors_512 f, int zero, int least,
                                  int most)
{
    const __m512i low = _mm512_srav_epi64(_mm512_add_epi64(even, f.half_even), f.shift_even);
    const __m512i high = _mm512_srav_epi64(_mm512_add_epi64(odd, f.half_odd), f.shift_odd);
    __m512i value = _mm512_mask_mov_epi32(low, (__mmask16)0xAAAA, _mm512_slli_epi64(high, 32));
    value = _mm512_add_epi32(value, _mm512_set1_epi32(zero));
    value = _mm512_max_epi32(value, _mm512_set1_epi32(least));
    return _mm512_cvtepi32_epi8(_mm512_min_epi32(value, _mm512_set1_epi32(most)));
}

/* Of sum * m, where no tie can occur. */
static inline __m128i requantized_512(__m512i sum, factors_512 f, int zero, int least, int most)
{
    const __m512i even = _mm512_mul_epi32(sum, f.m_even);
    const __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(sum, 32), f.m_odd);
    return rounded_512(even, odd, f, zero, least, most);
}

/* 1 less below an even integer: half up then takes a tie to the even one. */
static inline __m512i lowered_512(__m512i product, __m512i shift)
{
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i odd = _mm512_and_si512(_mm512_srlv_epi64(product, shift), one);
    return _mm512_add_epi64(product, _mm512_sub_epi64(odd, one));
}

static inline __m128i requantized_to_even_512(__m512i sum, factors_512 f, int zero, int least,
                                              int most)
{
    const __m512i even = _mm512_mul_epi32(sum, f.m_even);
    const __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(sum, 32), f.m_odd);
    return rounded_512(lowered_512(even, f.shift_even), lowered_512(odd, f.shift_odd), f, zero,
                       least, most);
}

/* The same as requantized_512 where every shift is 32 to 53: only the upper half of the product is shifted, and zero
   is added with the half. */
static inline factors_512 high_factors_512(__m512i m, __m512i shift, int zero)
{
    const __m512i zeros = _mm512_set1_epi64(zero);
    factors_512 f = factors_of_512(m, shift);
    f.half_even = _mm512_add_epi64(f.half_even, _mm512_sllv_epi64(zeros, f.shift_even));
    f.half_odd = _mm512_add_epi64(f.half_odd, _mm512_sllv_epi64(zeros, f.shift_odd));
    f.shift_even = _mm512_sub_epi32(shift, _mm512_set1_epi32(32));
    return f;
}

static inline __m128i high_requantized_512(__m512i sum, factors_512 f, int least, int most)
{
    const __m512i odds = _mm512_srli_epi64(sum, 32);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sum, f.m_even), f.half_even);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(odds, f.m_odd), f.half_odd);
    const __m512i high = _mm512_mask_shuffle_epi32(odd, (__mmask16)0x5555, even, 0xF5);
    __m512i value = _mm512_srav_epi32(high, f.shift_even);
    value = _mm512_max_epi32(value, _mm512_set1_epi32(least));
    if (most == 255) {
        return _mm512_cvtusepi32_epi8(value);
    }
    return _mm512_cvtepi32_epi8(_mm512_min_epi32(value, _mm512_set1_epi32(most)));
}

static inline void store_sums_512(int32_t *out, __m512i sum, size_t count)
{
    memcpy(out, &sum, count * sizeof *out);
}
