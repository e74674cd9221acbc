/* Four bytes as lanes of int32. */
static inline int32x4_t model_widened_128(const uint8_t *from)
{
    uint8_t bytes[8] = {0};
    memcpy(bytes, from, 4);
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vld1_u8(bytes)))));
}

static inline int32x4_t model_times_128(int32x4_t a, int32x4_t b)
{
    return vmulq_s32(a, b);
}
