/* A pooling by itself. Without `count_pads`, m[n - 1] is for windows with n places inside the
   image; `inside`: no window leaves it. */
static uint8_t pool_at(const pool_layer *l, const uint8_t *in, int32_t y, int32_t x)
{
    int32_t sum = 0, count = 0;
    uint8_t most = 0;
    for (int32_t r = 0; r < l->kernel_h; r++) {
        for (int32_t c = 0; c < l->kernel_w; c++) {
            const int32_t iy = y * l->stride_h - l->top + r * l->dilation_h;
            const int32_t ix = x * l->stride_w - l->left + c * l->dilation_w;
            if (l->inside != 0 || (iy >= 0 && iy < l->height && ix >= 0 && ix < l->width)) {
                const uint8_t value = in[((ptrdiff_t)iy * l->width + ix) * l->channels];
                sum += (int32_t)value - (int32_t)l->in_zero;
                most = value > most ? value : most;
                count++;
            }
        }
    }
    if (l->max != 0) {
        return most;
    }
    count = l->count_pads != 0 || count == 0 ? 0 : count - 1;
    return requantized(sum, l->m[count], l->shift[count], l->zero, l->least, l->most);
}

static void pool(const pool_layer *l, const uint8_t *in, uint8_t *out)
{
    for (int32_t y = 0; y < l->out_height; y++) {
        for (int32_t x = 0; x < l->out_width; x++) {
            for (int32_t c = 0; c < l->channels; c++) {
                *out++ = pool_at(l, in + c, y, x);
            }
        }
    }
}
