/* Registers of 128 bits: 4 lanes of int32. */
typedef __m128i vec_128;
typedef __m128i operand_128;
typedef struct {
    const int32_t *m, *shift;
} factors_128;

static inline __m128i load_128(const void *from)
{
    __m128i found;
    memcpy(&found, from, sizeof found);
    return found;
}

static inline __m128i values_128(const uint8_t *values)
{
    int32_t four;
    memcpy(&four, values, sizeof four);
    return _mm_set1_epi32(four);
}

static inline __m128i weights_128(const void *weights)
{
    return load_128(weights);
}

static inline __m128i kept_128(const void *weights)
{
    return load_128(weights);
}

/* Each lane's two weights of 16 bits meet the same two values. The sum is kept in a register:
   compilers else add the products of several chunks first, and run out of registers. */
static inline __m128i product_128(__m128i sum, __m128i values, __m128i weights)
{
    __m128i found = _mm_add_epi32(sum, _mm_madd_epi16(values, weights));
#if defined(__SSE2__)
    __asm__("" : "+x"(found));
#endif
    return found;
}

static inline __m128i sum_128(__m128i a, __m128i b)
{
    return _mm_add_epi32(a, b);
}

static inline __m128i chosen_128(__m128i which, __m128i a, __m128i b)
{
    return _mm_or_si128(_mm_and_si128(which, a), _mm_andnot_si128(which, b));
}

static inline __m128i max_128(__m128i a, __m128i b)
{
    return chosen_128(_mm_cmpgt_epi32(a, b), a, b);
}

static inline __m128i min_128(__m128i a, __m128i b)
{
    return chosen_128(_mm_cmpgt_epi32(a, b), b, a);
}

static inline factors_128 factors_of_128(const int32_t *m, const int32_t *shift)
{
    const factors_128 f = {m, shift};
    return f;
}

/* SSE2 has no signed product of 32 bits: lane by lane. */
static inline void store_128(uint8_t *out, __m128i sum, factors_128 f, int zero, int least,
                             int most, size_t count)
{
    int32_t lanes[4];
    memcpy(lanes, &sum, sizeof lanes);
    for (size_t k = 0; k < count; k++) {
        out[k] = requantized(lanes[k], f.m[k], (unsigned)f.shift[k], zero, (uint8_t)least,
                             (uint8_t)most);
    }
}

static inline void store_sums_128(int32_t *out, __m128i sum, size_t count)
{
    memcpy(out, &sum, count * sizeof *out);
}
