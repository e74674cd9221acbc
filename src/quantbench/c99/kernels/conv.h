/* The values of a window, [group][row][column][channel]. `inside`: no window leaves the image.
   `rows`: no groups, and columns lie side by side. */
static void conv_window(const conv_layer *l, const uint8_t *in, uint8_t *out, int32_t y, int32_t x)
{
    const int32_t ix = x * l->stride_w - l->left;
    for (int32_t r = 0; r < l->kernel_h; r++) {
        const int32_t iy = y * l->stride_h - l->top + r * l->dilation_h;
        if (l->rows != 0 && (l->inside != 0 || (iy >= 0 && iy < l->height && ix >= 0 &&
                                                ix + l->kernel_w <= l->width))) {
            const ptrdiff_t at = ((ptrdiff_t)iy * l->width + ix) * l->channels;
            memcpy(out, in + at, (size_t)l->row);
            out += l->row;
            continue;
        }
        for (int32_t c = 0; c < l->kernel_w; c++, out += l->group_in) {
            const int32_t jx = ix + c * l->dilation_w;
            const int32_t there = iy >= 0 && iy < l->height && jx >= 0 && jx < l->width;
            const ptrdiff_t at = there ? ((ptrdiff_t)iy * l->width + jx) * l->channels : 0;
            uint8_t *to = out;
            for (int32_t k = 0; k < l->channels; k += l->group_in, to += l->count) {
                for (int32_t i = 0; i < l->group_in; i++) {
                    to[i] = there ? in[at + k + i] : l->padding;
                }
            }
        }
    }
}

/* Images lie as [H][W][C]; `step`: bytes of one place of the output. A pooling of 1 x 1 is none.
   `memory`: for the values of a window, then for a sum of each output. */
static void conv(const conv_layer *l, const dense_layer *outputs, const uint8_t *in, void *out,
                 uint8_t *memory)
{
    uint8_t *to = out;
    for (int32_t y = 0; y < l->out_height; y++) {
        for (int32_t x = 0; x < l->out_width; x++, to += l->step) {
            int32_t place = 0;
            for (int32_t r = 0; r < l->pool_h; r++) {
                for (int32_t c = 0; c < l->pool_w; c++, place++) {
                    conv_window(l, in, memory, y * l->pool_stride_h + r,
                                x * l->pool_stride_w + c);
                    dense(outputs, memory, to, memory + l->window, place);
                }
            }
        }
    }
}
