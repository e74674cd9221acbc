/* Each of `count` bytes `times` times: channels that several filters of a group share. */
static inline void model_repeat(const uint8_t *restrict in, uint8_t *restrict out, int32_t count,
                                int32_t times)
{
    for (int32_t k = 0; k < count; k++) {
        for (int32_t n = 0; n < times; n++) {
            out[(ptrdiff_t)k * times + n] = in[k];
        }
    }
}
