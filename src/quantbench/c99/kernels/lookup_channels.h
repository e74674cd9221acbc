/* Each byte is what its channel's table of 256 gives for it. Channels lie innermost. */
static void model_lookup_channels(const uint8_t *tables, const uint8_t *restrict in,
                                  uint8_t *restrict out, int32_t places, int32_t channels)
{
    for (int32_t p = 0; p < places; p++) {
        for (int32_t c = 0; c < channels; c++) {
            *out++ = tables[c * 256 + *in++];
        }
    }
}
