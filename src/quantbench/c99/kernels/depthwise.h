/* Each output channel from its own input channel, four at a time. `numbers`: of each channel what
   its sum starts from, and its m; then limits, like those of a fully connected layer. Weights of
   two taps lie as two of channels 0 and 1, then two of 2 and 3; a tap without weight may follow. */
static inline void model_depthwise_output(const model_depthwise_layer *l, int32_t sum, int32_t o,
                                          uint8_t *out)
{
    const int32_t *const numbers = MODEL_DEPTHWISE_NUMBERS;
    const int32_t low =
        MODEL_DEPTHWISE_LOW_AT != 0 ? numbers[MODEL_DEPTHWISE_LOW_AT + o] : MODEL_DEPTHWISE_LOW;
    const int32_t high =
        MODEL_DEPTHWISE_HIGH_AT != 0 ? numbers[MODEL_DEPTHWISE_HIGH_AT + o] : MODEL_DEPTHWISE_HIGH;
    sum = sum < low ? low : sum > high ? high : sum;
    out[o] = model_high_requantized(sum, numbers[2 * o + 1], MODEL_DEPTHWISE_SHIFT[o],
                                    MODEL_DEPTHWISE_ZERO, MODEL_DEPTHWISE_Q_MIN,
                                    MODEL_DEPTHWISE_Q_MAX);
}

/* Channels o to o + 3 of one position, whose taps lie at `taps`. */
static inline const int8_t *model_depthwise_four(const model_depthwise_layer *l,
                                                 const uint8_t *const *taps, const int8_t *weights,
                                                 int32_t o, uint8_t *out)
{
    const int32_t *const numbers = MODEL_DEPTHWISE_NUMBERS + 2 * o;
    int32_t sum0 = numbers[0], sum1 = numbers[2], sum2 = numbers[4], sum3 = numbers[6];
    for (int32_t pairs = MODEL_DEPTHWISE_PAIRS; pairs > 0; pairs--) {
#if defined(MODEL_SIMD32)
        uint32_t first, second, low, high, a, b;
        memcpy(&first, *taps++ + o, sizeof first);
        memcpy(&second, *taps++ + o, sizeof second);
        MODEL_TWO_WORDS(a, b, weights);
        low = (first & 0xFFFFU) | (second << 16);
        high = (first >> 16) | (second & 0xFFFF0000U);
        sum0 = __smlad(model_even_s8(a), model_even_u8(low), sum0);
        sum1 = __smlad(model_odd_s8(a), model_odd_u8(low), sum1);
        sum2 = __smlad(model_even_s8(b), model_even_u8(high), sum2);
        sum3 = __smlad(model_odd_s8(b), model_odd_u8(high), sum3);
#else
        for (int32_t tap = 0; tap < 2; tap++, weights += 2) {
            const uint8_t *const values = *taps++ + o;
            sum0 += values[0] * weights[0];
            sum1 += values[1] * weights[1];
            sum2 += values[2] * weights[4];
            sum3 += values[3] * weights[5];
        }
        weights += 4;
#endif
    }
    model_depthwise_output(l, sum0, o, out);
    model_depthwise_output(l, sum1, o + 1, out);
    model_depthwise_output(l, sum2, o + 2, out);
    model_depthwise_output(l, sum3, o + 3, out);
    return weights;
}

/* Images lie as [H][W][C]; taps outside read the padding, C values in `memory`. The last four
   channels are the last four, though some of them may be computed twice. */
static void model_depthwise(const model_depthwise_layer *l, const uint8_t *in, uint8_t *out,
                            uint8_t *memory)
{
    const uint8_t *taps[MODEL_DEPTHWISE_TAPS];
    memset(memory, MODEL_DEPTHWISE_PADDING, (size_t)MODEL_DEPTHWISE_CHANNELS);
    for (int32_t y = 0; y < MODEL_DEPTHWISE_OUT_HEIGHT; y++) {
        for (int32_t x = 0; x < MODEL_DEPTHWISE_OUT_WIDTH; x++, out += MODEL_DEPTHWISE_CHANNELS) {
            const uint8_t **tap = taps;
            for (int32_t r = 0; r < MODEL_DEPTHWISE_KERNEL_H; r++) {
                const int32_t iy = y * MODEL_DEPTHWISE_STRIDE_H - MODEL_DEPTHWISE_TOP +
                                   r * MODEL_DEPTHWISE_DILATION_H;
                int32_t ix = x * MODEL_DEPTHWISE_STRIDE_W - MODEL_DEPTHWISE_LEFT;
                for (int32_t c = 0; c < MODEL_DEPTHWISE_KERNEL_W;
                     c++, ix += MODEL_DEPTHWISE_DILATION_W) {
                    const ptrdiff_t at =
                        ((ptrdiff_t)iy * MODEL_DEPTHWISE_WIDTH + ix) * MODEL_DEPTHWISE_CHANNELS;
                    *tap++ = iy >= 0 && iy < MODEL_DEPTHWISE_HEIGHT && ix >= 0 &&
                                     ix < MODEL_DEPTHWISE_WIDTH
                                 ? in + at
                                 : memory;
                }
            }
            *tap = memory;
            const int8_t *weights = MODEL_DEPTHWISE_WEIGHTS;
            for (int32_t o = 0; o < MODEL_DEPTHWISE_CHANNELS; o += 4) {
                const int32_t last = MODEL_DEPTHWISE_CHANNELS - 4;
                weights = model_depthwise_four(l, taps, weights, o < last ? o : last, out);
            }
        }
    }
}
