/* The sum of each channel over some rows of at most 257 columns, whose addresses are so far apart.
   Channels lie innermost, at least MODEL_SUMMED of them; the last group ends with the last channel.
   16 bits hold the sum of 257 bytes; before they could overflow, they are added to 32. */
static inline void MODEL_V(sums)(const uint8_t *in, int32_t *sums, int32_t channels, int32_t rows,
                                 int32_t columns, ptrdiff_t down, ptrdiff_t right)
{
    for (int32_t c = 0; c < channels; c += MODEL_SUMMED) {
        const int32_t first = c < channels - MODEL_SUMMED ? c : channels - MODEL_SUMMED;
        int32_t row = 0;
        memset(sums + first, 0, MODEL_SUMMED * sizeof *sums);
        while (row < rows) {
            MODEL_V(words) words = MODEL_V(no_words)();
            for (int32_t count = columns; row < rows && count <= 257; row++, count += columns) {
                const uint8_t *from = in + row * down + first;
                for (int32_t column = 0; column < columns; column++, from += right) {
                    words = MODEL_V(plus_bytes)(words, from);
                }
            }
            MODEL_V(add_words)(sums + first, words);
        }
    }
}
