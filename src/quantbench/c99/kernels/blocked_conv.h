/* A convolution, two outputs of two positions at a time: so each weight and each value, once it is
   16 bits wide, meets two others. Weights lie as [pair of outputs][four values][output][value],
   with zeros behind the last value; `numbers` are those of a depthwise layer. */
typedef struct {
    uint8_t *to;
    int32_t place; /* of the pooling window */
} model_blocked_position;

/* A four takes 8 bytes of every 16: the other position's lie between. */
static inline uint8_t *model_spread(const uint8_t *from, uint8_t *out, int32_t fours)
{
    for (; fours > 0; fours--, from += 4, out += 16) {
#if defined(MODEL_SIMD32)
        uint32_t four;
        memcpy(&four, from, sizeof four);
        const int16x2_t even = model_even_u8(four), odd = model_odd_u8(four);
        memcpy(out, &even, sizeof even);
        memcpy(out + 4, &odd, sizeof odd);
#else
        memcpy(out, from, 4);
#endif
    }
    return out;
}

static inline uint8_t *model_spread_padding(uint8_t value, uint8_t *out, int32_t fours)
{
    const uint8_t four[4] = {value, value, value, value};
    for (; fours > 0; fours--) {
        out = model_spread(four, out, 1);
    }
    return out;
}

/* The window of a position. Where channels come in fours it is spread from the image; else it is
   gathered in `bytes` before. */
static void model_blocked_window(const model_blocked_conv_layer *l, const uint8_t *in, int32_t y,
                                 int32_t x, uint8_t *out, uint8_t *bytes)
{
    const int32_t ix = x * MODEL_BLOCKED_CONV_STRIDE_W - MODEL_BLOCKED_CONV_LEFT;
    uint8_t *to = bytes;
    for (int32_t r = 0; r < MODEL_BLOCKED_CONV_KERNEL_H; r++) {
        const int32_t iy = y * MODEL_BLOCKED_CONV_STRIDE_H - MODEL_BLOCKED_CONV_TOP +
                           r * MODEL_BLOCKED_CONV_DILATION_H;
        const int32_t inside =
            MODEL_BLOCKED_CONV_INSIDE != 0 || (iy >= 0 && iy < MODEL_BLOCKED_CONV_HEIGHT);
        /* columns that lie side by side are one */
        const int32_t whole = MODEL_BLOCKED_CONV_DILATION_W == 1 &&
                              (MODEL_BLOCKED_CONV_INSIDE != 0 ||
                               (ix >= 0 && ix + MODEL_BLOCKED_CONV_KERNEL_W <=
                                               MODEL_BLOCKED_CONV_WIDTH));
        const int32_t columns = whole ? 1 : MODEL_BLOCKED_CONV_KERNEL_W;
        const int32_t count =
            whole ? MODEL_BLOCKED_CONV_KERNEL_W * MODEL_BLOCKED_CONV_CHANNELS
                  : MODEL_BLOCKED_CONV_CHANNELS;
        for (int32_t c = 0; c < columns; c++) {
            const int32_t jx = ix + c * MODEL_BLOCKED_CONV_DILATION_W;
            const int32_t there =
                inside && (whole || (jx >= 0 && jx < MODEL_BLOCKED_CONV_WIDTH));
            const ptrdiff_t at =
                ((ptrdiff_t)iy * MODEL_BLOCKED_CONV_WIDTH + jx) * MODEL_BLOCKED_CONV_CHANNELS;
            if (MODEL_BLOCKED_CONV_IN_FOURS != 0) {
                out = there ? model_spread(in + at, out, count / 4)
                            : model_spread_padding(MODEL_BLOCKED_CONV_PADDING, out, count / 4);
                continue;
            }
            if (there) {
                memcpy(to, in + at, (size_t)count);
            } else {
                memset(to, MODEL_BLOCKED_CONV_PADDING, (size_t)count);
            }
            to += count;
        }
    }
    if (MODEL_BLOCKED_CONV_IN_FOURS == 0) {
        memset(to, 0, 3);
        model_spread(bytes, out, MODEL_BLOCKED_CONV_FOURS);
    }
}

static inline void model_blocked_sum(const model_blocked_conv_layer *l, int32_t sum, int32_t m,
                                     unsigned shift, int32_t o,
                                     const model_blocked_position *position, uint8_t *sums)
{
    uint8_t *const at = sums + o * (ptrdiff_t)sizeof sum;
    if (MODEL_BLOCKED_CONV_PLACES > 1 && position->place > 0) {
        int32_t before;
        memcpy(&before, at, sizeof before);
        if (MODEL_BLOCKED_CONV_POOL_MAX == 0) {
            sum += before;
        } else {
            sum = sum > before ? sum : before;
        }
    }
    if (MODEL_BLOCKED_CONV_PLACES > 1 && position->place + 1 < MODEL_BLOCKED_CONV_PLACES) {
        memcpy(at, &sum, sizeof sum);
        return;
    }
    position->to[o] =
        model_high_requantized(sum, m, shift, MODEL_BLOCKED_CONV_ZERO, MODEL_BLOCKED_CONV_Q_MIN,
                               MODEL_BLOCKED_CONV_Q_MAX);
}

/* One output of `count` positions, one or two. */
static inline void model_blocked_output(const model_blocked_conv_layer *l, int32_t first,
                                        int32_t second, int32_t o,
                                        const model_blocked_position *positions, int32_t count,
                                        uint8_t *sums)
{
    const int32_t *const numbers = MODEL_BLOCKED_CONV_NUMBERS;
    const int32_t low = MODEL_BLOCKED_CONV_LOW_AT != 0 ? numbers[MODEL_BLOCKED_CONV_LOW_AT + o]
                                                       : MODEL_BLOCKED_CONV_LOW;
    const int32_t high = MODEL_BLOCKED_CONV_HIGH_AT != 0 ? numbers[MODEL_BLOCKED_CONV_HIGH_AT + o]
                                                         : MODEL_BLOCKED_CONV_HIGH;
    const int32_t m = numbers[2 * o + 1];
    const unsigned shift = MODEL_BLOCKED_CONV_SHIFT[o];
    first = first < low ? low : first > high ? high : first;
    second = second < low ? low : second > high ? high : second;
    model_blocked_sum(l, first, m, shift, o, &positions[0], sums);
    if (count > 1) {
        model_blocked_sum(l, second, m, shift, o, &positions[1], sums);
    }
}

typedef struct {
    const uint8_t *values;
    const int8_t *weights;
    int32_t sum00, sum01, sum10, sum11; /* of an output, of a position */
} model_block;

MODEL_INLINE void model_block_four(model_block *block)
{
#if defined(MODEL_SIMD32)
    int16x2_t even0, odd0, even1, odd1, even, odd;
    uint32_t first, second;
    MODEL_TWO_WORDS(even0, odd0, block->values);
    MODEL_TWO_WORDS(even1, odd1, block->values);
    MODEL_TWO_WORDS(first, second, block->weights);
    even = model_even_s8(first);
    odd = model_odd_s8(first);
    block->sum00 = __smlad(even, even0, block->sum00);
    block->sum01 = __smlad(even, even1, block->sum01);
    block->sum00 = __smlad(odd, odd0, block->sum00);
    block->sum01 = __smlad(odd, odd1, block->sum01);
    even = model_even_s8(second);
    odd = model_odd_s8(second);
    block->sum10 = __smlad(even, even0, block->sum10);
    block->sum11 = __smlad(even, even1, block->sum11);
    block->sum10 = __smlad(odd, odd0, block->sum10);
    block->sum11 = __smlad(odd, odd1, block->sum11);
#else
    for (int32_t k = 0; k < 4; k++) {
        block->sum00 += block->values[k] * block->weights[k];
        block->sum01 += block->values[8 + k] * block->weights[k];
        block->sum10 += block->values[k] * block->weights[4 + k];
        block->sum11 += block->values[8 + k] * block->weights[4 + k];
    }
    block->values += 16;
    block->weights += 8;
#endif
}

/* All outputs of `count` positions, one or two, from `windows`, whose address is a multiple of 4.
   The last two outputs are the last two, though one of them may be computed twice. */
static void model_blocked_outputs(const model_blocked_conv_layer *l,
                                  const model_blocked_position *positions, int32_t count,
                                  const uint8_t *windows, uint8_t *sums)
{
    const int8_t *weights = MODEL_BLOCKED_CONV_WEIGHTS;
    for (int32_t two = 0; two < MODEL_BLOCKED_CONV_OUTPUTS; two += 2) {
        const int32_t last = MODEL_BLOCKED_CONV_OUTPUTS - 2, o = two < last ? two : last;
        const int32_t *const numbers = MODEL_BLOCKED_CONV_NUMBERS + 2 * o;
        model_block block = {windows, weights, numbers[0], numbers[0], numbers[2], numbers[2]};
        if (MODEL_BLOCKED_CONV_FOURS % 2 != 0) {
            model_block_four(&block);
        }
        for (int32_t eights = MODEL_BLOCKED_CONV_FOURS / 2; eights > 0; eights--) {
            model_block_four(&block);
            model_block_four(&block);
        }
        weights = block.weights;
        model_blocked_output(l, block.sum00, block.sum01, o, positions, count, sums);
        model_blocked_output(l, block.sum10, block.sum11, o + 1, positions, count, sums);
    }
}

/* Images lie as [H][W][C]. A pooling of 1 x 1 is none. `memory`: for two windows, then for a sum of
   each output, then for the bytes of a window. */
static void model_blocked_conv(const model_blocked_conv_layer *l, const uint8_t *in, uint8_t *out,
                               uint8_t *memory)
{
    uint8_t *const windows = memory + (-(uintptr_t)memory & 3U);
    uint8_t *const sums = windows + (ptrdiff_t)MODEL_BLOCKED_CONV_FOURS * 16;
    uint8_t *const bytes =
        sums + (MODEL_BLOCKED_CONV_PLACES > 1 ? (ptrdiff_t)MODEL_BLOCKED_CONV_OUTPUTS * 4 : 0);
    model_blocked_position positions[2];
    int32_t n = 0;
    for (int32_t y = 0; y < MODEL_BLOCKED_CONV_OUT_HEIGHT; y++) {
        for (int32_t x = 0; x < MODEL_BLOCKED_CONV_OUT_WIDTH; x++) {
            int32_t place = 0;
            for (int32_t r = 0; r < MODEL_BLOCKED_CONV_POOL_H; r++) {
                for (int32_t c = 0; c < MODEL_BLOCKED_CONV_POOL_W; c++, place++) {
                    model_blocked_window(l, in, y * MODEL_BLOCKED_CONV_POOL_STRIDE_H + r,
                                         x * MODEL_BLOCKED_CONV_POOL_STRIDE_W + c, windows + 8 * n,
                                         bytes);
                    positions[n].to = out;
                    positions[n].place = place;
                    if (++n == 2) {
                        model_blocked_outputs(l, positions, n, windows, sums);
                        n = 0;
                    }
                }
            }
            out += MODEL_BLOCKED_CONV_OUTPUTS;
        }
    }
    if (n != 0) {
        model_blocked_outputs(l, positions, n, windows, sums);
    }
}
