/* The sums of a pooling by itself: what an average that nothing rounds is a multiple of. They are
   int32_t of any alignment. */
static void model_pool_sums(const model_pool_sums_layer *l, const uint8_t *in, void *out)
{
    char *to = out;
    for (int32_t y = 0; y < MODEL_POOL_SUMS_OUT_HEIGHT; y++) {
        for (int32_t x = 0; x < MODEL_POOL_SUMS_OUT_WIDTH; x++) {
            for (int32_t c = 0; c < MODEL_POOL_SUMS_CHANNELS; c++) {
                int32_t sum = 0;
                for (int32_t r = 0; r < MODEL_POOL_SUMS_KERNEL_H * MODEL_POOL_SUMS_KERNEL_W; r++) {
                    const int32_t iy = y * MODEL_POOL_SUMS_STRIDE_H - MODEL_POOL_SUMS_TOP +
                                       r / MODEL_POOL_SUMS_KERNEL_W * MODEL_POOL_SUMS_DILATION_H;
                    const int32_t ix = x * MODEL_POOL_SUMS_STRIDE_W - MODEL_POOL_SUMS_LEFT +
                                       r % MODEL_POOL_SUMS_KERNEL_W * MODEL_POOL_SUMS_DILATION_W;
                    if (iy >= 0 && iy < MODEL_POOL_SUMS_HEIGHT && ix >= 0 &&
                        ix < MODEL_POOL_SUMS_WIDTH) {
                        const ptrdiff_t at = ((ptrdiff_t)iy * MODEL_POOL_SUMS_WIDTH + ix) *
                                             MODEL_POOL_SUMS_CHANNELS;
                        sum += (int32_t)in[at + c] - (int32_t)MODEL_POOL_SUMS_IN_ZERO;
                    }
                }
                memcpy(to, &sum, sizeof sum);
                to += sizeof sum;
            }
        }
    }
}
