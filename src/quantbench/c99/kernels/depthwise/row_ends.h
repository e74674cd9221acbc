/* The bytes of a row from `begin` on; `outside` where the row, of `size` bytes, has none. */
static inline MODEL_REGISTER MODEL_V(row)(const uint8_t *row, int begin, int size, int outside)
{
    uint8_t bytes[sizeof(MODEL_REGISTER)];
    const int lanes = (int)sizeof bytes;
    const int from = begin < 0 ? -begin : 0, to = size - begin < lanes ? size - begin : lanes;
    memset(bytes, outside, sizeof bytes);
    if (from < to) {
        memcpy(bytes + from, row + begin + from, (size_t)(to - from));
    }
    return MODEL_V(load_bytes)(bytes);
}

/* The first `count` bytes. */
static inline MODEL_REGISTER MODEL_V(first)(const uint8_t *from, size_t count)
{
    uint8_t bytes[sizeof(MODEL_REGISTER)] = {0};
    memcpy(bytes, from, count);
    return MODEL_V(load_bytes)(bytes);
}

static inline void MODEL_V(store_first)(uint8_t *to, MODEL_REGISTER values, size_t count)
{
    uint8_t bytes[sizeof(MODEL_REGISTER)];
    MODEL_V(store)(bytes, values);
    memcpy(to, bytes, count);
}
