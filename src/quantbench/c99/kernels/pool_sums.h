/* The sums of a pooling by itself: what an average that nothing rounds is a multiple of. */
static void model_pool_sums(const model_pool_sums_layer *l, const uint8_t *in, int32_t *out)
{
    for (int32_t y = 0; y < MODEL_POOL_SUMS_OUT_HEIGHT; y++) {
        for (int32_t x = 0; x < MODEL_POOL_SUMS_OUT_WIDTH; x++, out += MODEL_POOL_SUMS_CHANNELS) {
            for (int32_t c = 0; c < MODEL_POOL_SUMS_CHANNELS; c++) {
                out[c] = 0;
            }
            for (int32_t r = 0; r < MODEL_POOL_SUMS_KERNEL_H * MODEL_POOL_SUMS_KERNEL_W; r++) {
                const int32_t iy = y * MODEL_POOL_SUMS_STRIDE_H - MODEL_POOL_SUMS_TOP +
                                   r / MODEL_POOL_SUMS_KERNEL_W * MODEL_POOL_SUMS_DILATION_H;
                const int32_t ix = x * MODEL_POOL_SUMS_STRIDE_W - MODEL_POOL_SUMS_LEFT +
                                   r % MODEL_POOL_SUMS_KERNEL_W * MODEL_POOL_SUMS_DILATION_W;
                if (iy < 0 || iy >= MODEL_POOL_SUMS_HEIGHT || ix < 0 ||
                    ix >= MODEL_POOL_SUMS_WIDTH) {
                    continue;
                }
                const uint8_t *const from =
                    in + ((ptrdiff_t)iy * MODEL_POOL_SUMS_WIDTH + ix) * MODEL_POOL_SUMS_CHANNELS;
                for (int32_t c = 0; c < MODEL_POOL_SUMS_CHANNELS; c++) {
                    out[c] += (int32_t)from[c] - (int32_t)MODEL_POOL_SUMS_IN_ZERO;
                }
            }
        }
    }
}
