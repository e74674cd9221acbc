/* A pooling by itself: an average, a sum or a maximum. Without `count_pads` an average is of the places inside. */
typedef struct {
    int32_t height, width, channels, out_height, out_width;
    int32_t kernel_h, kernel_w, stride_h, stride_w, top, left, dilation_h, dilation_w;
    int32_t max, count_pads, sum;
} model_pool_layer;

static void model_pool_place(const model_pool_layer *l, const float *in, float *out, int32_t y,
                             int32_t x)
{
    int32_t count = 0;
    for (int32_t r = 0; r < l->kernel_h; r++) {
        for (int32_t c = 0; c < l->kernel_w; c++) {
            const int32_t iy = y * l->stride_h - l->top + r * l->dilation_h;
            const int32_t ix = x * l->stride_w - l->left + c * l->dilation_w;
            if (iy < 0 || iy >= l->height || ix < 0 || ix >= l->width) {
                continue;
            }
            const float *const from = in + ((ptrdiff_t)iy * l->width + ix) * l->channels;
            for (int32_t k = 0; k < l->channels; k++) {
                if (count == 0 || (l->max != 0 && from[k] > out[k])) {
                    out[k] = from[k];
                } else if (l->max == 0) {
                    out[k] += from[k];
                }
            }
            count++;
        }
    }
    if (l->max == 0 && l->sum == 0) {
        const int32_t places = l->count_pads != 0 ? l->kernel_h * l->kernel_w : count;
        for (int32_t k = 0; k < l->channels; k++) {
            out[k] /= (float)places;
        }
    }
}

static void model_pool(const model_pool_layer *l, const float *in, float *out)
{
    for (int32_t y = 0; y < l->out_height; y++) {
        for (int32_t x = 0; x < l->out_width; x++, out += l->channels) {
            model_pool_place(l, in, out, y, x);
        }
    }
}
