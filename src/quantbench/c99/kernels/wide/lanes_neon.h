/* Lanes of 64 bits: those of the lower lanes of 32, and those of the upper ones. */
typedef struct {
    int64x2_t low, high;
} model_wide_128;
typedef int32x4_t model_spread_128;

static inline model_wide_128 model_wide_of_128(int64_t number)
{
    const model_wide_128 wide = {vdupq_n_s64(number), vdupq_n_s64(number)};
    return wide;
}

static inline int32x4_t model_spread_lanes_128(int32x4_t lanes)
{
    return lanes;
}

static inline model_wide_128 model_wide_sum_128(model_wide_128 a, model_wide_128 b)
{
    a.low = vaddq_s64(a.low, b.low);
    a.high = vaddq_s64(a.high, b.high);
    return a;
}

static inline model_wide_128 model_wide_product_128(int32x4_t a, int32x4_t b)
{
    const model_wide_128 product = {vmull_s32(vget_low_s32(a), vget_low_s32(b)),
                                    vmull_s32(vget_high_s32(a), vget_high_s32(b))};
    return product;
}

/* Times 2**31, modulo 2**64. */
static inline model_wide_128 model_wide_raised_128(model_wide_128 a)
{
    a.low = vshlq_n_s64(a.low, 31);
    a.high = vshlq_n_s64(a.high, 31);
    return a;
}

static inline model_wide_128 model_wide_shifted_128(model_wide_128 a, unsigned shift)
{
    const int64x2_t back = vdupq_n_s64(-(int64_t)shift);
    a.low = vreinterpretq_s64_u64(vshlq_u64(vreinterpretq_u64_s64(a.low), back));
    a.high = vreinterpretq_s64_u64(vshlq_u64(vreinterpretq_u64_s64(a.high), back));
    return a;
}

static inline model_wide_128 model_wide_lowest_bits_128(model_wide_128 a)
{
    const int64x2_t one = vdupq_n_s64(1);
    a.low = vandq_s64(a.low, one);
    a.high = vandq_s64(a.high, one);
    return a;
}

/* The lower half of each. */
static inline int32x4_t model_wide_lower_128(model_wide_128 a)
{
    return vcombine_s32(vmovn_s64(a.low), vmovn_s64(a.high));
}
