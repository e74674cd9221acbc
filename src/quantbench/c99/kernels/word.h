/* An integer of 32 bits in memory of bytes, of any alignment. */
static int32_t model_word(const void *at)
{
    int32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}
