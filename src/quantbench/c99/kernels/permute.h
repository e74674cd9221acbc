/* Runs of `size` bytes in another order; the index counts values of `unit` bytes. */
static void model_permute(const void *in, void *out, const uint32_t *index, int32_t count,
                          size_t unit, size_t size)
{
    for (int32_t k = 0; k < count; k++) {
        memcpy((char *)out + (size_t)k * size, (const char *)in + index[k] * unit, size);
    }
}
