/* Registers of 128 bits: 4 lanes of int32. */
typedef int32x4_t model_vec_128;
typedef struct {
    int32x4_t m;
    int64x2_t low, high;
} model_factors_128;

static inline int32x4_t model_load_128(const int32_t *from)
{
    return vld1q_s32(from);
}

static inline int32x4_t model_zero_128(void)
{
    return vdupq_n_s32(0);
}

static inline int32x4_t model_sum_128(int32x4_t a, int32x4_t b)
{
    return vaddq_s32(a, b);
}

static inline int32x4_t model_max_128(int32x4_t a, int32x4_t b)
{
    return vmaxq_s32(a, b);
}

static inline int32x4_t model_min_128(int32x4_t a, int32x4_t b)
{
    return vminq_s32(a, b);
}

/* A shift to the left by less than 0 is one to the right, here with rounding. */
static inline model_factors_128 model_factors_of_128(int32x4_t m, int32x4_t shift)
{
    const int32x4_t back = vnegq_s32(shift);
    model_factors_128 f;
    f.m = m;
    f.low = vmovl_s32(vget_low_s32(back));
    f.high = vmovl_s32(vget_high_s32(back));
    return f;
}

/* zero + round(product * 2**-shift) within [q_min, q_max], which 32 bits hold before. */
static inline uint8x8_t model_rounded_128(int64x2_t low, int64x2_t high, model_factors_128 f,
                                          int zero, int q_min, int q_max)
{
    int32x4_t value =
        vcombine_s32(vmovn_s64(vrshlq_s64(low, f.low)), vmovn_s64(vrshlq_s64(high, f.high)));
    value = vaddq_s32(value, vdupq_n_s32(zero));
    value = vminq_s32(vmaxq_s32(value, vdupq_n_s32(q_min)), vdupq_n_s32(q_max));
    const int16x4_t words = vmovn_s32(value);
    return vqmovun_s16(vcombine_s16(words, words));
}

/* Of sum * m, where no tie can occur. */
static inline uint8x8_t model_requantized_128(int32x4_t sum, model_factors_128 f, int zero,
                                              int q_min, int q_max)
{
    const int64x2_t low = vmull_s32(vget_low_s32(sum), vget_low_s32(f.m));
    const int64x2_t high = vmull_s32(vget_high_s32(sum), vget_high_s32(f.m));
    return model_rounded_128(low, high, f, zero, q_min, q_max);
}

/* 1 less below an even integer: half up then takes a tie to the even one. */
static inline int64x2_t model_lowered_128(int64x2_t product, int64x2_t back)
{
    const int64x2_t one = vdupq_n_s64(1);
    return vaddq_s64(product, vsubq_s64(vandq_s64(vshlq_s64(product, back), one), one));
}

static inline uint8x8_t model_requantized_to_even_128(int32x4_t sum, model_factors_128 f, int zero,
                                                      int q_min, int q_max)
{
    const int64x2_t low = vmull_s32(vget_low_s32(sum), vget_low_s32(f.m));
    const int64x2_t high = vmull_s32(vget_high_s32(sum), vget_high_s32(f.m));
    return model_rounded_128(model_lowered_128(low, f.low), model_lowered_128(high, f.high), f,
                             zero, q_min, q_max);
}

/* The first `count` bytes, at most 4. */
static inline void model_store_bytes(uint8_t *out, uint8x8_t values, size_t count)
{
    uint8_t bytes[8];
    vst1_u8(bytes, values);
    memcpy(out, bytes, count);
}

static inline void model_store_sums_128(int32_t *out, int32x4_t sum, size_t count)
{
    memcpy(out, &sum, count * sizeof *out);
}
