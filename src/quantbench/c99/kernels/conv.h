/* Images lie as [H][W][C], weights as [output][row][column][input]. A step is 0 where one value
   is for all channels. */
typedef struct {
    const weight_t *weights;
    const int32_t *start, *low, *high, *m;
    const uint8_t *shift;
    int32_t height, width, channels;
    int32_t out_height, out_width, out_channels;
    int32_t group_in, group_out;
    int32_t kernel_h, kernel_w, stride_h, stride_w, top, left, dilation_h, dilation_w;
    int32_t pool_h, pool_w, pool_stride_h, pool_stride_w;
    uint8_t low_step, high_step, m_step, pool_max;
    uint8_t padding, zero, least, most;
} conv_layer;

static int32_t conv_at(const conv_layer *l, const uint8_t *in, int32_t channel, int32_t y,
                       int32_t x)
{
    const int32_t row = l->kernel_w * l->group_in;
    const weight_t *w = l->weights + (ptrdiff_t)channel * l->kernel_h * row;
    const int32_t first = channel / l->group_out * l->group_in;
    const int32_t whole = l->dilation_w == 1 && l->group_in == l->channels;
    int32_t sum = l->start[channel];
    for (int32_t r = 0; r < l->kernel_h; r++) {
        const int32_t iy = y * l->stride_h - l->top + r * l->dilation_h;
        const int32_t ix = x * l->stride_w - l->left;
        if (whole && iy >= 0 && iy < l->height && ix >= 0 && ix + l->kernel_w <= l->width) {
            sum = dot(sum, in + ((ptrdiff_t)iy * l->width + ix) * l->channels, w, row);
            w += row;
            continue;
        }
        for (int32_t c = 0; c < l->kernel_w; c++, w += l->group_in) {
            const int32_t jx = ix + c * l->dilation_w;
            if (iy >= 0 && iy < l->height && jx >= 0 && jx < l->width) {
                const ptrdiff_t at = ((ptrdiff_t)iy * l->width + jx) * l->channels + first;
                sum = dot(sum, in + at, w, l->group_in);
            } else {
                for (int32_t k = 0; k < l->group_in; k++) {
                    sum += (int32_t)l->padding * (int32_t)w[k];
                }
            }
        }
    }
    return sum;
}

/* Of accumulators: a pooling of 1 x 1 is none. */
static int32_t conv_pooled(const conv_layer *l, const uint8_t *in, int32_t channel, int32_t y,
                           int32_t x)
{
    const int32_t low = l->low[channel * l->low_step], high = l->high[channel * l->high_step];
    int32_t found = 0;
    for (int32_t r = 0; r < l->pool_h; r++) {
        for (int32_t c = 0; c < l->pool_w; c++) {
            int32_t sum = conv_at(l, in, channel, y * l->pool_stride_h + r,
                                  x * l->pool_stride_w + c);
            sum = sum < low ? low : sum > high ? high : sum;
            if (l->pool_max == 0) {
                found += sum;
            } else if (r + c == 0 || sum > found) {
                found = sum;
            }
        }
    }
    return found;
}

/* Writes `sums`, int32_t of any alignment, where there are any, else `out`. */
static void conv(const conv_layer *l, const uint8_t *in, uint8_t *out, void *sums)
{
    ptrdiff_t at = 0;
    for (int32_t y = 0; y < l->out_height; y++) {
        for (int32_t x = 0; x < l->out_width; x++) {
            for (int32_t o = 0; o < l->out_channels; o++, at++) {
                const int32_t sum = conv_pooled(l, in, o, y, x);
                if (sums != NULL) {
                    memcpy((char *)sums + at * (ptrdiff_t)sizeof sum, &sum, sizeof sum);
                } else {
                    const int32_t k = o * l->m_step;
                    out[at] = requantized(sum, l->m[k], l->shift[k], l->zero, l->least, l->most);
                }
            }
        }
    }
}
