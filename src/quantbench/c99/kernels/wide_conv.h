/* One output: a window's sum. Beyond the image lie zeros, which add nothing. */
static int64_t MODEL_WIDE_SUM(const model_wide_conv_layer *l, const char *in, int32_t y, int32_t x,
                              int32_t o)
{
    const int32_t first = o / l->group_out * l->group_in;
    const int16_t *weights =
        l->weights + (ptrdiff_t)o * l->kernel_h * l->kernel_w * l->group_in;
    int64_t sum = l->bias[o];
    for (int32_t r = 0; r < l->kernel_h; r++) {
        for (int32_t c = 0; c < l->kernel_w; c++, weights += l->group_in) {
            const int32_t iy = y * l->stride_h - l->top + r * l->dilation_h;
            const int32_t ix = x * l->stride_w - l->left + c * l->dilation_w;
            if (iy < 0 || iy >= l->height || ix < 0 || ix >= l->width) {
                continue;
            }
            const char *const from =
                in + (((ptrdiff_t)iy * l->width + ix) * l->channels + first) * MODEL_WIDE_IN_SIZE;
            for (int32_t i = 0; i < l->group_in; i++) {
                const int32_t value = MODEL_WIDE_IN(from + i * MODEL_WIDE_IN_SIZE) - l->in_zero;
                sum += (int64_t)value * weights[i];
            }
        }
    }
    return sum;
}

static void MODEL_WIDE_NAME(const model_wide_conv_layer *l, const void *in, void *out)
{
    char *to = out;
    for (int32_t y = 0; y < l->out_height; y++) {
        for (int32_t x = 0; x < l->out_width; x++) {
            for (int32_t o = 0; o < l->out_channels; o++, to += MODEL_WIDE_OUT_SIZE) {
                const int64_t product = MODEL_WIDE_SUM(l, in, y, x, o) * l->m[o];
                MODEL_WIDE_SET(to, model_nearest(product, (unsigned)l->shift, l->zero, l->low,
                                                 l->high));
            }
        }
    }
}
