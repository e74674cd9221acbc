/* Fewer than four bytes as one integer, with zeros behind. By shifts, for compilers else copy them
   to memory and load all four, which waits for what was stored. */
static inline int32_t model_few(const uint8_t *values, size_t count)
{
    uint32_t four = values[0];
    if (count > 1) {
        four |= (uint32_t)values[1] << 8;
    }
    if (count > 2) {
        four |= (uint32_t)values[2] << 16;
    }
    return (int32_t)four;
}
