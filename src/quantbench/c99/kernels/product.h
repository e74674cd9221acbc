/* (a - zero point) (b - zero point), requantized. A stride of 0 reads a row, a column or a channel
   again; m_step is 0 where one multiplier is for all channels. */
static void model_product(const model_product_layer *l, const uint8_t *a, const uint8_t *b,
                          uint8_t *out)
{
    for (int32_t y = 0; y < MODEL_PRODUCT_HEIGHT; y++) {
        for (int32_t x = 0; x < MODEL_PRODUCT_WIDTH; x++) {
            const uint8_t *p = a + y * MODEL_PRODUCT_A_DOWN + x * MODEL_PRODUCT_A_RIGHT;
            const uint8_t *q = b + y * MODEL_PRODUCT_B_DOWN + x * MODEL_PRODUCT_B_RIGHT;
            for (int32_t c = 0; c < MODEL_PRODUCT_CHANNELS; c++) {
                const int32_t k = c * MODEL_PRODUCT_M_STEP,
                              value = ((int32_t)*p - (int32_t)MODEL_PRODUCT_A_ZERO) *
                                      ((int32_t)*q - (int32_t)MODEL_PRODUCT_B_ZERO);
                *out++ = model_requantized(value, MODEL_PRODUCT_M[k], MODEL_PRODUCT_SHIFT[k],
                                           MODEL_PRODUCT_ZERO, MODEL_PRODUCT_Q_MIN,
                                           MODEL_PRODUCT_Q_MAX);
                p += MODEL_PRODUCT_A_DEEP;
                q += MODEL_PRODUCT_B_DEEP;
            }
        }
    }
}
