/* The values of a window, [group][row][column][channel]. `inside`: no window leaves the image.
   `rows`: no groups, and columns lie side by side. */
static void model_conv_window(const model_conv_layer *l, const uint8_t *in, uint8_t *out, int32_t y,
                              int32_t x)
{
    const int32_t ix = x * MODEL_CONV_STRIDE_W - MODEL_CONV_LEFT;
    for (int32_t r = 0; r < MODEL_CONV_KERNEL_H; r++) {
        const int32_t iy = y * MODEL_CONV_STRIDE_H - MODEL_CONV_TOP + r * MODEL_CONV_DILATION_H;
        if (MODEL_CONV_ROWS != 0 &&
            (MODEL_CONV_INSIDE != 0 || (iy >= 0 && iy < MODEL_CONV_HEIGHT && ix >= 0 &&
                                        ix + MODEL_CONV_KERNEL_W <= MODEL_CONV_WIDTH))) {
            const ptrdiff_t at = ((ptrdiff_t)iy * MODEL_CONV_WIDTH + ix) * MODEL_CONV_CHANNELS;
            memcpy(out, in + at, (size_t)MODEL_CONV_ROW);
            out += MODEL_CONV_ROW;
            continue;
        }
        for (int32_t c = 0; c < MODEL_CONV_KERNEL_W; c++, out += MODEL_CONV_GROUP_IN) {
            const int32_t jx = ix + c * MODEL_CONV_DILATION_W;
            const int32_t there =
                iy >= 0 && iy < MODEL_CONV_HEIGHT && jx >= 0 && jx < MODEL_CONV_WIDTH;
            const ptrdiff_t at =
                there ? ((ptrdiff_t)iy * MODEL_CONV_WIDTH + jx) * MODEL_CONV_CHANNELS : 0;
            uint8_t *to = out;
            for (int32_t k = 0; k < MODEL_CONV_CHANNELS;
                 k += MODEL_CONV_GROUP_IN, to += MODEL_CONV_COUNT) {
                for (int32_t i = 0; i < MODEL_CONV_GROUP_IN; i++) {
                    to[i] = there ? in[at + k + i] : MODEL_CONV_PADDING;
                }
            }
        }
    }
}

/* Images lie as [H][W][C]; `step`: bytes of one place of the output. A pooling of 1 x 1 is none.
   `memory`: for the values of a window, then for a sum of each output. */
static void model_conv(const model_conv_layer *l, const model_dense_layer *outputs,
                       const uint8_t *in, void *out, uint8_t *memory)
{
    uint8_t *to = out;
    for (int32_t y = 0; y < MODEL_CONV_OUT_HEIGHT; y++) {
        for (int32_t x = 0; x < MODEL_CONV_OUT_WIDTH; x++, to += MODEL_CONV_STEP) {
            int32_t place = 0;
            for (int32_t r = 0; r < MODEL_CONV_POOL_H; r++) {
                for (int32_t c = 0; c < MODEL_CONV_POOL_W; c++, place++) {
                    model_conv_window(l, in, memory, y * MODEL_CONV_POOL_STRIDE_H + r,
                                      x * MODEL_CONV_POOL_STRIDE_W + c);
                    model_dense(outputs, memory, to, memory + MODEL_CONV_WINDOW, place);
                }
            }
        }
    }
}
