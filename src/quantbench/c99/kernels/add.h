static void add(const add_layer *l, const uint8_t *restrict a, const uint8_t *restrict b,
                uint8_t *restrict out)
{
    const add_layer c = *l;
    const int32_t least = c.least, most = c.most;
    for (int32_t k = 0; k < c.count; k++) {
        const uint32_t low = a[k] * c.a_low + b[k] * c.b_low + c.low;
        const uint32_t high = a[k] * c.a_high + b[k] * c.b_high + c.high + (low >> 15);
        int32_t value = (int32_t)(high >> c.shift) + c.offset;
        value = value < least ? least : value;
        out[k] = (uint8_t)(value > most ? most : value);
    }
}
