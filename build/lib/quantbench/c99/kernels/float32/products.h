/* Output channels are summed side by side, up to 16: no sum changes its order by it, and a
   compiler may use wide registers. */
static int32_t model_together(int32_t left)
{
    return left < 16 ? left : 16;
}

/* Adds `count` values times weights [count][lanes], four values at a time, so that sums are
   loaded and stored less often. */
static void model_products(float *restrict sums, const float *restrict values,
                           const float *restrict weights, ptrdiff_t count, int32_t lanes)
{
    ptrdiff_t k = 0;
    for (; k + 4 <= count; k += 4, weights += (ptrdiff_t)4 * lanes) {
        const float *const w1 = weights + lanes, *const w2 = w1 + lanes, *const w3 = w2 + lanes;
        const float v0 = values[k], v1 = values[k + 1], v2 = values[k + 2], v3 = values[k + 3];
        for (int32_t j = 0; j < lanes; j++) {
            sums[j] = sums[j] + v0 * weights[j] + v1 * w1[j] + v2 * w2[j] + v3 * w3[j];
        }
    }
    for (; k < count; k++, weights += lanes) {
        for (int32_t j = 0; j < lanes; j++) {
            sums[j] += values[k] * weights[j];
        }
    }
}
