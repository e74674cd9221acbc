/* `count` pixels of the values of one. */
static uint8_t *model_repeat_pixel(const uint8_t *pixel, uint8_t *out, int32_t count,
                                   int32_t channels)
{
    for (int32_t at = 0; at < count; at++) {
        memcpy(out, pixel, (size_t)channels);
        out += channels;
    }
    return out;
}

/* An image with a frame of `pixel`, one value for each channel. Channels lie innermost. */
static void model_frame(const uint8_t *restrict pixel, const uint8_t *restrict in,
                        uint8_t *restrict out, int32_t channels, int32_t height, int32_t width,
                        int32_t top, int32_t left, int32_t bottom, int32_t right)
{
    const size_t row = (size_t)width * (size_t)channels;
    out = model_repeat_pixel(pixel, out, top * (left + width + right) + left, channels);
    for (int32_t y = 0; y < height; y++) {
        memcpy(out, in, row);
        in += row;
        out += row;
        const int32_t beside = y + 1 < height ? right + left : right;
        out = model_repeat_pixel(pixel, out, beside, channels);
    }
    model_repeat_pixel(pixel, out, bottom * (left + width + right), channels);
}
