/* A change of scale. Channels lie innermost; m_step is 0 where one multiplier is for all. */
static void model_rescale(const model_rescale_layer *l, const uint8_t *in, uint8_t *out)
{
    for (int32_t p = 0; p < MODEL_RESCALE_PLACES; p++) {
        for (int32_t c = 0; c < MODEL_RESCALE_CHANNELS; c++) {
            const int32_t k = c * MODEL_RESCALE_M_STEP,
                          value = (int32_t)*in++ - (int32_t)MODEL_RESCALE_IN_ZERO;
            *out++ =
                model_requantized(value, MODEL_RESCALE_M[k], MODEL_RESCALE_SHIFT[k],
                                  MODEL_RESCALE_ZERO, MODEL_RESCALE_Q_MIN, MODEL_RESCALE_Q_MAX);
        }
    }
}
