/* `value` around an image whose rows are `row` bytes; left and right count bytes, too. */
static void model_pad(const uint8_t *in, uint8_t *out, int32_t height, int32_t row, int32_t top,
                      int32_t left, int32_t bottom, int32_t right, uint8_t value)
{
    const ptrdiff_t whole = (ptrdiff_t)left + row + right;
    memset(out, value, (size_t)(whole * (top + height + bottom)));
    for (int32_t y = 0; y < height; y++) {
        memcpy(out + whole * (top + y) + left, in + (ptrdiff_t)row * y, (size_t)row);
    }
}
