/* 16 bytes at once looked up in a table of 256: four lookups in 64 entries each, which leave what
   their index is beyond. Registers of 32-bit Arm don't hold such a table. */
static void model_lookup_neon(const uint8_t *table, const uint8_t *in, uint8_t *out, int32_t count)
{
    int32_t k = 0;
#if defined(__aarch64__)
    const uint8x16x4_t first = vld1q_u8_x4(table), second = vld1q_u8_x4(table + 64),
                       third = vld1q_u8_x4(table + 128), fourth = vld1q_u8_x4(table + 192);
    const uint8x16_t part = vdupq_n_u8(64);
    for (; k + 16 <= count; k += 16) {
        uint8x16_t index = vld1q_u8(in + k);
        uint8x16_t looked_up = vqtbl4q_u8(first, index);
        index = vsubq_u8(index, part);
        looked_up = vqtbx4q_u8(looked_up, second, index);
        index = vsubq_u8(index, part);
        looked_up = vqtbx4q_u8(looked_up, third, index);
        index = vsubq_u8(index, part);
        vst1q_u8(out + k, vqtbx4q_u8(looked_up, fourth, index));
    }
#endif
    for (; k < count; k++) {
        out[k] = table[in[k]];
    }
}
