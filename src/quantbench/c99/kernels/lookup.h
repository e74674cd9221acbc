/* Each byte is what a table of 256 gives for it. */
static void model_lookup(const uint8_t *table, const uint8_t *restrict in, uint8_t *restrict out,
                         int32_t count)
{
    for (int32_t k = 0; k < count; k++) {
        out[k] = table[in[k]];
    }
}
