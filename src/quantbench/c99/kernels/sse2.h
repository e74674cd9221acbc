/* Registers of 128 bits: 4 lanes of int32. */
typedef __m128i model_vec_128;
typedef __m128i model_operand_128;
typedef struct {
    int32_t m[4], shift[4];
} model_factors_128;

static inline __m128i model_load_128(const void *from)
{
    __m128i result;
    memcpy(&result, from, sizeof result);
    return result;
}

static inline __m128i model_values_128(const uint8_t *values)
{
    int32_t four;
    memcpy(&four, values, sizeof four);
    return _mm_set1_epi32(four);
}

static inline __m128i model_weights_128(const void *weights)
{
    return model_load_128(weights);
}

static inline __m128i model_kept_128(const void *weights)
{
    return model_load_128(weights);
}

/* Each lane's two weights of 16 bits meet the same two values. The sum is kept in a register:
   compilers else add the products of several chunks first, and run out of registers. */
static inline __m128i model_product_128(__m128i sum, __m128i values, __m128i weights)
{
    __m128i result = _mm_add_epi32(sum, _mm_madd_epi16(values, weights));
#if defined(__SSE2__)
    __asm__("" : "+x"(result));
#endif
    return result;
}

static inline __m128i model_zero_128(void)
{
    return _mm_setzero_si128();
}

static inline __m128i model_sum_128(__m128i a, __m128i b)
{
    return _mm_add_epi32(a, b);
}

static inline __m128i model_chosen_128(__m128i which, __m128i a, __m128i b)
{
    return _mm_or_si128(_mm_and_si128(which, a), _mm_andnot_si128(which, b));
}

static inline __m128i model_max_128(__m128i a, __m128i b)
{
    return model_chosen_128(_mm_cmpgt_epi32(a, b), a, b);
}

static inline __m128i model_min_128(__m128i a, __m128i b)
{
    return model_chosen_128(_mm_cmpgt_epi32(a, b), b, a);
}

static inline model_factors_128 model_factors_of_128(__m128i m, __m128i shift)
{
    model_factors_128 f;
    memcpy(f.m, &m, sizeof f.m);
    memcpy(f.shift, &shift, sizeof f.shift);
    return f;
}

/* SSE2 has no signed product of 32 bits: lane by lane. */
static inline __m128i model_requantized_128(__m128i sum, model_factors_128 f, int zero, int q_min,
                                            int q_max)
{
    int32_t lanes[4];
    uint8_t bytes[16] = {0};
    memcpy(lanes, &sum, sizeof lanes);
    for (size_t k = 0; k < 4; k++) {
        bytes[k] = model_requantized(lanes[k], f.m[k], (unsigned)f.shift[k], zero, (uint8_t)q_min,
                                     (uint8_t)q_max);
    }
    return model_load_128(bytes);
}

/* 64 tells the portable code that there may be a tie. */
static inline __m128i model_requantized_to_even_128(__m128i sum, model_factors_128 f, int zero,
                                                    int q_min, int q_max)
{
    for (size_t k = 0; k < 4; k++) {
        f.shift[k] += 64;
    }
    return model_requantized_128(sum, f, zero, q_min, q_max);
}

static inline __m128i model_lanes_128(__m128i bytes)
{
    const __m128i zero = _mm_setzero_si128();
    return _mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero);
}

static inline __m128i model_scaled_128(__m128i sum, model_factors_128 f, int zero)
{
    return model_lanes_128(model_requantized_128(sum, f, zero, 0, 255));
}

static inline __m128i model_scaled_to_even_128(__m128i sum, model_factors_128 f, int zero)
{
    return model_lanes_128(model_requantized_to_even_128(sum, f, zero, 0, 255));
}

static inline void model_store_sums_128(int32_t *out, __m128i sum, size_t count)
{
    memcpy(out, &sum, count * sizeof *out);
}
