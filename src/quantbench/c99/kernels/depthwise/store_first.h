/* Of the channels from a plane's first one on there are `count`, which may be none. */
static inline void MODEL_V(store_first_words)(uint8_t *to, MODEL_REGISTER sums, int count)
{
    int32_t words[sizeof sums / sizeof(int32_t)];
    memcpy(words, &sums, sizeof words);
    for (size_t k = 0; k < sizeof sums / 16; k++, count -= 16) {
        if (count >= 4) {
            memcpy(to + 64 * k, words + 4 * k, 16);
        } else if (count > 0) {
            memcpy(to + 64 * k, words + 4 * k, (size_t)count * sizeof *words);
        }
    }
}
