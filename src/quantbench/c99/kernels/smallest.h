/* The smallest number of each channel. Channels lie innermost. */
static void model_smallest(const MODEL_NUMBER *restrict in, MODEL_NUMBER *restrict out,
                           int32_t places, int32_t channels)
{
    for (int32_t c = 0; c < channels; c++) {
        out[c] = in[c];
    }
    for (int32_t p = 1; p < places; p++) {
        in += channels;
        for (int32_t c = 0; c < channels; c++) {
            out[c] = in[c] < out[c] ? in[c] : out[c];
        }
    }
}
