/* A pooling by itself. Without `count_pads`, m[n - 1] is for windows with n places inside the
   image; `inside`: no window leaves it. */
static uint8_t model_pool_at(const model_pool_layer *l, const uint8_t *in, int32_t y, int32_t x)
{
    int32_t sum = 0, count = 0;
    uint8_t largest = 0;
    for (int32_t r = 0; r < MODEL_POOL_KERNEL_H; r++) {
        for (int32_t c = 0; c < MODEL_POOL_KERNEL_W; c++) {
            const int32_t iy = y * MODEL_POOL_STRIDE_H - MODEL_POOL_TOP + r * MODEL_POOL_DILATION_H;
            const int32_t ix =
                x * MODEL_POOL_STRIDE_W - MODEL_POOL_LEFT + c * MODEL_POOL_DILATION_W;
            if (MODEL_POOL_INSIDE != 0 ||
                (iy >= 0 && iy < MODEL_POOL_HEIGHT && ix >= 0 && ix < MODEL_POOL_WIDTH)) {
                const uint8_t value =
                    in[((ptrdiff_t)iy * MODEL_POOL_WIDTH + ix) * MODEL_POOL_CHANNELS];
                sum += (int32_t)value - (int32_t)MODEL_POOL_IN_ZERO;
                largest = value > largest ? value : largest;
                count++;
            }
        }
    }
    if (MODEL_POOL_MAX != 0) {
        return largest;
    }
    count = MODEL_POOL_COUNT_PADS != 0 || count == 0 ? 0 : count - 1;
    return model_requantized(sum, MODEL_POOL_M[count], MODEL_POOL_SHIFT[count], MODEL_POOL_ZERO,
                             MODEL_POOL_Q_MIN, MODEL_POOL_Q_MAX);
}

static void model_pool(const model_pool_layer *l, const uint8_t *in, uint8_t *out)
{
    for (int32_t y = 0; y < MODEL_POOL_OUT_HEIGHT; y++) {
        for (int32_t x = 0; x < MODEL_POOL_OUT_WIDTH; x++) {
            for (int32_t c = 0; c < MODEL_POOL_CHANNELS; c++) {
                *out++ = model_pool_at(l, in + c, y, x);
            }
        }
    }
}
