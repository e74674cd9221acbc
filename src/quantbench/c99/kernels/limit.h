/* The smaller of each byte and the highest of its channel. Channels lie innermost. */
static void model_limit(const uint8_t *restrict highest, const uint8_t *restrict in,
                        uint8_t *restrict out, int32_t places, int32_t channels)
{
    for (int32_t p = 0; p < places; p++) {
        for (int32_t c = 0; c < channels; c++) {
            const uint8_t x = in[p * channels + c];
            out[p * channels + c] = x < highest[c] ? x : highest[c];
        }
    }
}
