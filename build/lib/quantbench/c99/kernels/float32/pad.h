/* `value` around an image whose rows are `row` numbers; left and right count numbers, too. */
static void model_pad(const float *in, float *out, int32_t height, int32_t row, int32_t top,
                      int32_t left, int32_t bottom, int32_t right, float value)
{
    const ptrdiff_t whole = (ptrdiff_t)left + row + right;
    for (ptrdiff_t k = 0; k < whole * (top + height + bottom); k++) {
        out[k] = value;
    }
    for (int32_t y = 0; y < height; y++) {
        memcpy(out + whole * (top + y) + left, in + (ptrdiff_t)row * y, (size_t)row * sizeof *out);
    }
}
