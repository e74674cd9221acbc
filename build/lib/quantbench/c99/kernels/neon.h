/* Of four lanes the weights of the first value, then those of the second. */
typedef int16x4x2_t model_operand_128;

static inline model_operand_128 model_weights_128(const int16_t *weights)
{
    return vld2_s16(weights);
}

static inline model_operand_128 model_kept_128(const int16_t *weights)
{
    return vld2_s16(weights);
}

static inline model_operand_128 model_values_128(const uint8_t *values)
{
    int16_t two[2];
    memcpy(two, values, sizeof two);
    const model_operand_128 result = {{vdup_n_s16(two[0]), vdup_n_s16(two[1])}};
    return result;
}

/* Each lane's two weights of 16 bits meet the same two values. */
static inline int32x4_t model_product_128(int32x4_t sum, model_operand_128 values,
                                          model_operand_128 weights)
{
    const int32x4_t one = vmlal_s16(sum, values.val[0], weights.val[0]);
    return vmlal_s16(one, values.val[1], weights.val[1]);
}
