/* The largest of each channel over some rows of columns, whose addresses are so far apart. Channels
   lie innermost, at least a register of them; the last register ends with the last channel. */
static inline void MODEL_V(largest)(const uint8_t *in, uint8_t *out, int32_t channels, int32_t rows,
                                    int32_t columns, ptrdiff_t down, ptrdiff_t right)
{
    const int32_t lanes = (int32_t)sizeof(MODEL_REGISTER);
    for (int32_t c = 0; c < channels; c += lanes) {
        const int32_t first = c < channels - lanes ? c : channels - lanes;
        MODEL_REGISTER largest, value;
        memset(&largest, 0, sizeof largest);
        for (int32_t row = 0; row < rows; row++) {
            const uint8_t *from = in + row * down + first;
            for (int32_t column = 0; column < columns; column++, from += right) {
                memcpy(&value, from, sizeof value);
                largest = MODEL_MAX_BYTES(largest, value);
            }
        }
        memcpy(out + first, &largest, sizeof largest);
    }
}
