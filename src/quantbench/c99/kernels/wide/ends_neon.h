/* Four numbers from and to memory of any alignment. */
static inline int32x4_t model_from_bytes_128(const void *from)
{
    uint8_t bytes[8] = {0};
    memcpy(bytes, from, 4);
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vld1_u8(bytes)))));
}

static inline int32x4_t model_from_words_128(const void *from)
{
    int32x4_t words;
    memcpy(&words, from, sizeof words);
    return words;
}

/* Numbers that a byte holds. */
static inline void model_set_bytes_128(void *to, int32x4_t numbers)
{
    const int16x4_t words = vmovn_s32(numbers);
    model_store_bytes(to, vqmovun_s16(vcombine_s16(words, words)), 4);
}

static inline void model_set_words_128(void *to, int32x4_t numbers)
{
    memcpy(to, &numbers, sizeof numbers);
}
