/* Depthwise: each lane has a value of its own. */
static void model_lanewise(float *restrict sums, const float *restrict values,
                           const float *restrict weights, int32_t lanes)
{
    for (int32_t j = 0; j < lanes; j++) {
        sums[j] += values[j] * weights[j];
    }
}
