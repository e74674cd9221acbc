/* Images lie as [H][W][C]. Channels of a group go together in blocks, see model_together(); of
   each block the weights lie as [row][column][input][lane]. Depthwise, all channels are of one
   group, and a block has weights [row][column][lane]. */
typedef struct {
    const float *weights, *bias;
    model_limits clamp;
    int32_t height, width, channels;
    int32_t out_height, out_width, out_channels;
    int32_t groups, group_in, group_out, depthwise;
    int32_t kernel_h, kernel_w, stride_h, stride_w, top, left, dilation_h, dilation_w;
    int32_t pool_h, pool_w, pool_stride_h, pool_stride_w, pool_max;
} model_conv_layer;

/* `in` and `weights` are those of the block. */
static void model_conv_sums(const model_conv_layer *l, const float *in, const float *weights,
                            float *sums, int32_t y, int32_t x, int32_t lanes)
{
    const ptrdiff_t tap = (ptrdiff_t)lanes * l->group_in;
    const int32_t whole = l->dilation_w == 1 && l->group_in == l->channels;
    for (int32_t r = 0; r < l->kernel_h; r++) {
        const int32_t iy = y * l->stride_h - l->top + r * l->dilation_h;
        const int32_t ix = x * l->stride_w - l->left;
        if (iy < 0 || iy >= l->height) {
            continue;
        }
        const float *const row = in + (ptrdiff_t)iy * l->width * l->channels;
        const float *const w = weights + (ptrdiff_t)r * l->kernel_w * tap;
        if (whole != 0) { /* the columns inside lie one behind the other */
            const int32_t begin = ix < 0 ? -ix : 0;
            const int32_t end = l->width - ix < l->kernel_w ? l->width - ix : l->kernel_w;
            if (begin < end) {
                model_products(sums, row + (ptrdiff_t)(ix + begin) * l->channels, w + begin * tap,
                               (ptrdiff_t)(end - begin) * l->channels, lanes);
            }
            continue;
        }
        for (int32_t c = 0; c < l->kernel_w; c++) {
            const int32_t jx = ix + c * l->dilation_w;
            if (jx < 0 || jx >= l->width) {
                continue;
            }
            const float *const values = row + (ptrdiff_t)jx * l->channels;
            if (l->depthwise != 0) {
                model_lanewise(sums, values, w + c * tap, lanes);
            } else {
                model_products(sums, values, w + c * tap, l->group_in, lanes);
            }
        }
    }
}

/* One place of the output, `lanes` channels; a pooling of 1 x 1 is none. */
static void model_conv_place(const model_conv_layer *l, const float *in, const float *weights,
                             const float *bias, float *out, int32_t y, int32_t x, int32_t lanes)
{
    const float count = (float)(l->pool_h * l->pool_w);
    for (int32_t place = 0; place < l->pool_h * l->pool_w; place++) {
        float sums[16];
        const int32_t r = place / l->pool_w, c = place % l->pool_w;
        for (int32_t j = 0; j < lanes; j++) {
            sums[j] = bias[j];
        }
        model_conv_sums(l, in, weights, sums, y * l->pool_stride_h + r, x * l->pool_stride_w + c,
                        lanes);
        model_clamp(&l->clamp, sums, lanes);
        for (int32_t j = 0; j < lanes; j++) {
            if (place == 0 || (l->pool_max != 0 && sums[j] > out[j])) {
                out[j] = sums[j];
            } else if (l->pool_max == 0) {
                out[j] += sums[j];
            }
        }
    }
    if (l->pool_max == 0 && l->pool_h * l->pool_w > 1) {
        for (int32_t j = 0; j < lanes; j++) {
            out[j] /= count;
        }
    }
}

static void model_conv(const model_conv_layer *l, const float *in, float *out)
{
    const float *weights = l->weights;
    const int32_t taps = l->kernel_h * l->kernel_w;
    for (int32_t g = 0; g < l->groups; g++) {
        int32_t lanes = 0;
        for (int32_t o = 0; o < l->group_out; o += lanes) {
            const int32_t first = g * l->group_out + o;
            const float *const from = in + (l->depthwise != 0 ? o : g * l->group_in);
            lanes = model_together(l->group_out - o);
            for (int32_t y = 0; y < l->out_height; y++) {
                for (int32_t x = 0; x < l->out_width; x++) {
                    float *const to = out + ((ptrdiff_t)y * l->out_width + x) * l->out_channels;
                    model_conv_place(l, from, weights, l->bias + first, to + first, y, x, lanes);
                }
            }
            weights += (ptrdiff_t)taps * l->group_in * lanes;
        }
    }
}
