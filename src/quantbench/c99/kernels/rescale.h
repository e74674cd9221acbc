/* A change of scale. Channels lie innermost; m_step is 0 where one multiplier is for all. */
static void rescale(const rescale_layer *l, const uint8_t *in, uint8_t *out)
{
    for (int32_t p = 0; p < l->places; p++) {
        for (int32_t c = 0; c < l->channels; c++) {
            const int32_t k = c * l->m_step, value = (int32_t)*in++ - (int32_t)l->in_zero;
            *out++ = requantized(value, l->m[k], l->shift[k], l->zero, l->least, l->most);
        }
    }
}
