/* Values as 16 bits, within a frame of `value`; left, row and right count values. Four bytes
   behind the last are 0, too. */
static void model_widen(const uint8_t *restrict in, uint8_t *restrict out, int32_t height,
                        int32_t row, int32_t top, int32_t left, int32_t bottom, int32_t right,
                        uint8_t value)
{
    const ptrdiff_t whole = (ptrdiff_t)left + row + right;
    const ptrdiff_t count = whole * (top + height + bottom);
    if (count != (ptrdiff_t)height * row) {
        for (ptrdiff_t k = 0; k < count; k++) {
            const uint16_t wide = value;
            memcpy(out + 2 * k, &wide, sizeof wide);
        }
    }
    memset(out + 2 * count, 0, 4);
    for (int32_t y = 0; y < height; y++) {
        uint8_t *const to = out + 2 * (whole * (top + y) + left);
        for (int32_t k = 0; k < row; k++) {
            const uint16_t wide = in[(ptrdiff_t)row * y + k];
            memcpy(to + 2 * k, &wide, sizeof wide);
        }
    }
}
