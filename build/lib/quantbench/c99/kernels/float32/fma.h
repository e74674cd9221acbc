/* Registers of 256 bits: 8 lanes of float. */
typedef __m256 model_vec_256;
typedef __m256 model_operand_256;

static inline __m256 model_load_256(const float *from)
{
    return _mm256_loadu_ps(from);
}

/* In every lane. */
static inline __m256 model_values_256(const float *value)
{
    return _mm256_broadcast_ss(value);
}

static inline __m256 model_weights_256(const float *weights)
{
    return _mm256_loadu_ps(weights);
}

/* Kept in a register, for several products. */
static inline __m256 model_kept_256(const float *weights)
{
    __m256 result = _mm256_loadu_ps(weights);
#if defined(__AVX2__)
    __asm__("" : "+x"(result));
#endif
    return result;
}

static inline __m256 model_product_256(__m256 sum, __m256 value, __m256 weights)
{
    return _mm256_fmadd_ps(value, weights, sum);
}

static inline __m256 model_zero_256(void)
{
    return _mm256_setzero_ps();
}

static inline __m256 model_sum_256(__m256 a, __m256 b)
{
    return _mm256_add_ps(a, b);
}

/* Of the sum so far and a limit or another sum: NaN stays NaN. */
static inline __m256 model_max_256(__m256 a, __m256 b)
{
    return _mm256_max_ps(b, a);
}

static inline __m256 model_min_256(__m256 a, __m256 b)
{
    return _mm256_min_ps(b, a);
}

static inline __m256 model_mean_256(__m256 sum, float count)
{
    return _mm256_div_ps(sum, _mm256_set1_ps(count));
}

static inline void model_store_sums_256(float *out, __m256 sum, size_t count)
{
    float lanes[8];
    if (count == 8) {
        _mm256_storeu_ps(out, sum);
        return;
    }
    _mm256_storeu_ps(lanes, sum);
    memcpy(out, lanes, count * sizeof *out);
}
