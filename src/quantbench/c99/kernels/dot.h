static int32_t dot(int32_t sum, const uint8_t *values, const weight_t *weights, int32_t count)
{
    for (int32_t k = 0; k < count; k++) {
        sum += (int32_t)values[k] * (int32_t)weights[k];
    }
    return sum;
}
