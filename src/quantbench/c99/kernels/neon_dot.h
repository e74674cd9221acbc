/* Both operands of a dot product are signed: values are less by 128 here, and sums start at
   what that takes from them. */
typedef int8x16_t model_operand_128;

static inline int8x16_t model_weights_128(const int8_t *weights)
{
    return vld1q_s8(weights);
}

static inline int8x16_t model_kept_128(const int8_t *weights)
{
    return vld1q_s8(weights);
}

static inline int8x16_t model_spread_128(uint32_t four)
{
    return vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080U));
}

static inline int8x16_t model_values_128(const uint8_t *values)
{
    uint32_t four;
    memcpy(&four, values, sizeof four);
    return model_spread_128(four);
}

/* Fewer than four; those behind meet weights of 0. */
static inline int8x16_t model_part_128(const uint8_t *values, size_t count)
{
    return model_spread_128((uint32_t)model_few(values, count));
}

/* Each lane's four weights meet the same four values. */
static inline int32x4_t model_product_128(int32x4_t sum, int8x16_t values, int8x16_t weights)
{
    return vdotq_s32(sum, weights, values);
}
