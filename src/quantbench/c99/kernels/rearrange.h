/* Runs of `size` bytes, chosen by five loops: how often and how many bytes apart, the outermost
   first. */
static void model_rearrange(const void *in, void *out, const int32_t *loops, size_t size)
{
    const char *const from = in;
    char *to = out;
    for (int32_t i = 0; i < loops[0]; i++) {
        for (int32_t j = 0; j < loops[2]; j++) {
            for (int32_t k = 0; k < loops[4]; k++) {
                for (int32_t m = 0; m < loops[6]; m++) {
                    const char *at = from + (ptrdiff_t)i * loops[1] + (ptrdiff_t)j * loops[3] +
                                     (ptrdiff_t)k * loops[5] + (ptrdiff_t)m * loops[7];
                    for (int32_t n = 0; n < loops[8]; n++, at += loops[9], to += size) {
                        if (size == 1) {
                            *to = *at;
                        } else {
                            memcpy(to, at, size);
                        }
                    }
                }
            }
        }
    }
}
