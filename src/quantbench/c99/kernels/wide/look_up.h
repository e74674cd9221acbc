/* The entries of a table at some places, to memory of any alignment: one after the other. */
static inline void model_look_up_bytes_128(void *to, const uint8_t *table, MODEL_REGISTER places)
{
    uint8_t *const bytes = to;
    int32_t each[4];
    memcpy(each, &places, sizeof each);
    for (int k = 0; k < 4; k++) {
        bytes[k] = table[each[k]];
    }
}

static inline void model_look_up_words_128(void *to, const int32_t *table, MODEL_REGISTER places)
{
    int32_t each[4];
    memcpy(each, &places, sizeof each);
    for (int k = 0; k < 4; k++) {
        each[k] = table[each[k]];
    }
    memcpy(to, each, sizeof each);
}
