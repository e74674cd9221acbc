/* Each output is the sum of four inputs times weights. `rows` has two rows of the image for each row
   of outputs, `row_weights` the weight of each; `columns` and their weights are the same. */
static void model_interpolate(const float *in, const int32_t *rows, const float *row_weights,
                              const int32_t *columns, const float *column_weights, float *out,
                              int32_t width, int32_t channels, int32_t out_height,
                              int32_t out_width)
{
    for (int32_t y = 0; y < out_height; y++) {
        const float *const above = in + (ptrdiff_t)rows[2 * y] * width * channels;
        const float *const below = in + (ptrdiff_t)rows[2 * y + 1] * width * channels;
        const float up = row_weights[2 * y], down = row_weights[2 * y + 1];
        for (int32_t x = 0; x < out_width; x++) {
            const ptrdiff_t left = (ptrdiff_t)columns[2 * x] * channels;
            const ptrdiff_t right = (ptrdiff_t)columns[2 * x + 1] * channels;
            const float first = column_weights[2 * x], second = column_weights[2 * x + 1];
            for (int32_t c = 0; c < channels; c++) {
                *out++ = (above[left + c] * first + above[right + c] * second) * up +
                         (below[left + c] * first + below[right + c] * second) * down;
            }
        }
    }
}
