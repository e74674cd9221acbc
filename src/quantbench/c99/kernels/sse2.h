/* Registers of 128 bits: 4 lanes of int32. */
typedef __m128i vec_128;
typedef __m128i operand_128;
typedef struct {
    int32_t m[4], shift[4];
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

static inline __m128i zero_128(void)
{
    return _mm_setzero_si128();
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

static inline factors_128 factors_of_128(__m128i m, __m128i shift)
{
    factors_128 f;
    memcpy(f.m, &m, sizeof f.m);
    memcpy(f.shift, &shift, sizeof f.shift);
    return f;
}

/* SSE2 has no signed product of 32 bits: lane by lane. */
static inline __m128i requantized_128(__m128i sum, factors_128 f, int zero, int least, int most)
{
    int32_t lanes[4];
    uint8_t bytes[16] = {0};
    memcpy(lanes, &sum, sizeof lanes);
    for (size_t k = 0; k < 4; k++) {
        bytes[k] = requantized(lanes[k], f.m[k], (unsigned)f.shift[k], zero, (uint8_t)least,
                               (uint8_t)most);
    }
    return load_128(bytes);
}

/* 64 tells the portable code that there may be a tie. */
static inline __m128i requantized_to_even_128(__m128i sum, factors_128 f, int zero, int least,
                                              int most)
{
    for (size_t k = 0; k < 4; k++) {
        f.shift[k] += 64;
    }
    return requantized_128(sum, f, zero, least, most);
}

static inline void store_sums_128(int32_t *out, __m128i sum, size_t count)
{
    memcpy(out, &sum, count * sizeof *out);
}
