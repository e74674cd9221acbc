/* Eight channels in lanes: their sums, and int16 values of one tap of each. */
typedef struct {
    int32x4_t low, high;
} model_sums_8;

static inline model_sums_8 model_load_sums_8(const int32_t *from)
{
    const model_sums_8 result = {vld1q_s32(from), vld1q_s32(from + 4)};
    return result;
}

static inline int16x8_t model_values_8(const uint8_t *values)
{
    return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(values)));
}

static inline int16x8_t model_weights_8(const int8_t *weights)
{
    return vmovl_s8(vld1_s8(weights));
}

static inline model_sums_8 model_products_8(model_sums_8 sums, int16x8_t values, int16x8_t weights)
{
    sums.low = vmlal_s16(sums.low, vget_low_s16(values), vget_low_s16(weights));
    sums.high = vmlal_s16(sums.high, vget_high_s16(values), vget_high_s16(weights));
    return sums;
}

static inline model_sums_8 model_max_8(model_sums_8 a, model_sums_8 b)
{
    const model_sums_8 result = {vmaxq_s32(a.low, b.low), vmaxq_s32(a.high, b.high)};
    return result;
}

static inline model_sums_8 model_min_8(model_sums_8 a, model_sums_8 b)
{
    const model_sums_8 result = {vminq_s32(a.low, b.low), vminq_s32(a.high, b.high)};
    return result;
}

/* Four bytes stand first in each. */
static inline void model_store_8(uint8_t *out, uint8x8_t low, uint8x8_t high)
{
    vst1_u8(out, vreinterpret_u8_u32(
                     vzip_u32(vreinterpret_u32_u8(low), vreinterpret_u32_u8(high)).val[0]));
}

static inline void model_store_sums_8(int32_t *out, model_sums_8 sums)
{
    vst1q_s32(out, sums.low);
    vst1q_s32(out + 4, sums.high);
}
