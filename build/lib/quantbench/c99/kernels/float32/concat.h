/* One input of a concatenation: `width` channels from `first` on, of `stride` at each place. */
static void model_concat(const float *in, float *out, int32_t places, int32_t width, int32_t first,
                         int32_t stride)
{
    for (int32_t p = 0; p < places; p++) {
        memcpy(out + (ptrdiff_t)p * stride + first, in + (ptrdiff_t)p * width,
               (size_t)width * sizeof *out);
    }
}
