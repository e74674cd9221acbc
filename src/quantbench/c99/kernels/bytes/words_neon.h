/* Sums of 16 bits, one for each of 16 channels. */
typedef struct {
    uint16x8_t low, high;
} model_words_128;

static inline model_words_128 model_no_words_128(void)
{
    const model_words_128 words = {vdupq_n_u16(0), vdupq_n_u16(0)};
    return words;
}

static inline model_words_128 model_plus_bytes_128(model_words_128 words, const uint8_t *from)
{
    const uint8x16_t bytes = vld1q_u8(from);
    words.low = vaddw_u8(words.low, vget_low_u8(bytes));
    words.high = vaddw_u8(words.high, vget_high_u8(bytes));
    return words;
}

static inline void model_add_words_128(int32_t *sums, model_words_128 words)
{
    const uint16x4_t more[4] = {vget_low_u16(words.low), vget_high_u16(words.low),
                                vget_low_u16(words.high), vget_high_u16(words.high)};
    for (int k = 0; k < 4; k++) {
        const int32x4_t sum = vreinterpretq_s32_u32(vmovl_u16(more[k]));
        vst1q_s32(sums + 4 * k, vaddq_s32(vld1q_s32(sums + 4 * k), sum));
    }
}
