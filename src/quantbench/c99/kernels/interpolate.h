/* Each output is the sum of four inputs, less the zero point, times whole weights. `rows` has two
   rows of the image and the weight of the second for each row of outputs, `columns` the same;
   the weights of two add up to `row_unit` and to `column_unit`. */
static void MODEL_INTERPOLATE_NAME(const void *in, const int32_t *rows, const int32_t *columns,
                                   void *out, int32_t width, int32_t channels, int32_t zero,
                                   int32_t out_height, int32_t out_width, int32_t row_unit,
                                   int32_t column_unit)
{
    const ptrdiff_t pixel = (ptrdiff_t)channels * MODEL_INTERPOLATE_A_SIZE;
    char *to = out;
    for (int32_t y = 0; y < out_height; y++) {
        const char *const above = (const char *)in + rows[3 * y] * (width * pixel);
        const char *const below = (const char *)in + rows[3 * y + 1] * (width * pixel);
        const int32_t down = rows[3 * y + 2];
        for (int32_t x = 0; x < out_width; x++) {
            const ptrdiff_t left = columns[3 * x] * pixel, right = columns[3 * x + 1] * pixel;
            const int32_t across = columns[3 * x + 2];
            for (ptrdiff_t at = 0; at < pixel; at += MODEL_INTERPOLATE_A_SIZE) {
                const int32_t a = MODEL_INTERPOLATE_A(above + left + at) - zero;
                const int32_t b = MODEL_INTERPOLATE_A(above + right + at) - zero;
                const int32_t c = MODEL_INTERPOLATE_A(below + left + at) - zero;
                const int32_t d = MODEL_INTERPOLATE_A(below + right + at) - zero;
                model_set_word(to, (a * (column_unit - across) + b * across) * (row_unit - down) +
                                       (c * (column_unit - across) + d * across) * down);
                to += 4;
            }
        }
    }
}
