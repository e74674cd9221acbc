/* Registers of 512 bits: 16 lanes of float. */
typedef __m512 model_vec_512;
typedef __m512 model_operand_512;

static inline __m512 model_load_512(const float *from)
{
    return _mm512_loadu_ps(from);
}

/* In every lane. Written out, or else each product loads it again. */
static inline __m512 model_values_512(const float *value)
{
#if defined(__GNUC__) && defined(__AVX512F__)
    __m512 result;
    __asm__("vbroadcastss {%1, %0|%0, %1}" : "=v"(result) : "m"(*value));
    return result;
#else
    return _mm512_set1_ps(*value);
#endif
}

static inline __m512 model_weights_512(const float *weights)
{
    return _mm512_loadu_ps(weights);
}

/* Kept in a register, for several products. */
static inline __m512 model_kept_512(const float *weights)
{
    __m512 result = _mm512_loadu_ps(weights);
#if defined(__GNUC__) && defined(__AVX512F__)
    __asm__("" : "+v"(result));
#endif
    return result;
}

static inline __m512 model_product_512(__m512 sum, __m512 value, __m512 weights)
{
    return _mm512_fmadd_ps(value, weights, sum);
}

static inline __m512 model_zero_512(void)
{
    return _mm512_setzero_ps();
}

static inline __m512 model_sum_512(__m512 a, __m512 b)
{
    return _mm512_add_ps(a, b);
}

/* Of the sum so far and a limit or another sum: NaN stays NaN. */
static inline __m512 model_max_512(__m512 a, __m512 b)
{
    return _mm512_max_ps(b, a);
}

static inline __m512 model_min_512(__m512 a, __m512 b)
{
    return _mm512_min_ps(b, a);
}

static inline __m512 model_mean_512(__m512 sum, float count)
{
    return _mm512_div_ps(sum, _mm512_set1_ps(count));
}

static inline void model_store_sums_512(float *out, __m512 sum, size_t count)
{
    if (count == 16) {
        _mm512_storeu_ps(out, sum);
        return;
    }
    _mm512_mask_storeu_ps(out, (__mmask16)((1U << count) - 1), sum);
}
