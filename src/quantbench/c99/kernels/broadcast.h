/* An image repeated along the axes whose stride is 0; numbers have `size` bytes. */
static void model_broadcast(const void *in, void *out, int32_t height, int32_t width,
                            int32_t channels, int32_t down, int32_t right, int32_t deep,
                            int32_t size)
{
    const uint8_t *from = in;
    uint8_t *to = out;
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            for (int32_t c = 0; c < channels; c++) {
                memcpy(to, from + (y * down + x * right + c * deep) * size, (size_t)size);
                to += size;
            }
        }
    }
}
