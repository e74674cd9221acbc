/* (a - zero point) (b - zero point), requantized, where one of the tensors is of 32 bits. A stride of
   0 reads a row, a column or a channel again; m_step is 0 where one multiplier is for all. */
static void MODEL_PRODUCT_NAME(const void *a, const void *b, void *out, const int32_t *shape,
                               const int32_t *m, const uint8_t *shift, int32_t m_step,
                               int32_t a_zero, int32_t b_zero, int32_t zero, int32_t low,
                               int32_t high)
{
    const int32_t height = shape[0], width = shape[1], channels = shape[2];
    char *to = out;
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            const char *p =
                (const char *)a + (y * shape[3] + x * shape[4]) * MODEL_PRODUCT_A_SIZE;
            const char *q =
                (const char *)b + (y * shape[6] + x * shape[7]) * MODEL_PRODUCT_B_SIZE;
            for (int32_t c = 0; c < channels; c++) {
                const int32_t k = c * m_step;
                const int64_t product =
                    (int64_t)(MODEL_PRODUCT_A(p) - a_zero) * (MODEL_PRODUCT_B(q) - b_zero) * m[k];
                MODEL_PRODUCT_SET(to, model_nearest(product, shift[k], zero, low, high));
                p += shape[5] * MODEL_PRODUCT_A_SIZE;
                q += shape[8] * MODEL_PRODUCT_B_SIZE;
                to += MODEL_PRODUCT_OUT_SIZE;
            }
        }
    }
}
