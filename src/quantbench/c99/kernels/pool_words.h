/* The sums of a pooling of words: what an average that nothing rounds is a multiple of. `shape`:
   height, width and channels of the input, height and width of the output, then the window's. */
static void model_pool_words(const int32_t *shape, const void *in, void *out)
{
    const int32_t height = shape[0], width = shape[1], channels = shape[2];
    char *to = out;
    for (int32_t y = 0; y < shape[3]; y++) {
        for (int32_t x = 0; x < shape[4]; x++) {
            for (int32_t c = 0; c < channels; c++, to += sizeof(int32_t)) {
                int32_t sum = 0;
                for (int32_t r = 0; r < shape[5] * shape[6]; r++) {
                    const int32_t iy = y * shape[7] - shape[9] + r / shape[6] * shape[11];
                    const int32_t ix = x * shape[8] - shape[10] + r % shape[6] * shape[12];
                    if (iy >= 0 && iy < height && ix >= 0 && ix < width) {
                        const ptrdiff_t at = ((ptrdiff_t)iy * width + ix) * channels + c;
                        sum += model_word((const char *)in + at * (ptrdiff_t)sizeof(int32_t));
                    }
                }
                model_set_word(to, sum);
            }
        }
    }
}
